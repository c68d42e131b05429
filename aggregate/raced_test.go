//go:build race

package aggregate_test

const raced = true
