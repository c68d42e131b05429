//go:build !race

package attack

const weeks = 13
