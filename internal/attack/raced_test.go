//go:build race

package attack

// The race detector makes SQLite, which is pure Go here, fifty times slower: then the
// quarter is eight weeks long, in which everything happens all the same.
const weeks = 8

// databases that play it: SQLite, fifty times slower here, plays it without the race
// detector, beside PostgreSQL.
var databases = []string{"postgres"}
