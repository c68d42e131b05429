//go:build race

package attack

// The race detector makes SQLite, which is pure Go here, fifty times slower: then the
// quarter is eight weeks long, in which everything happens all the same.
const weeks = 8
