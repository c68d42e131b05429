//go:build !race

package attack

const weeks = 13

var databases = []string{"sqlite", "postgres"}
