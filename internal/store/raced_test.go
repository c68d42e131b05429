//go:build race

package store

// raced: the race detector makes SQLite, which is pure Go here, fifty times slower.
// The longest tests then take fewer of their cases, and say which.
const raced = true
