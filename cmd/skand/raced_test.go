//go:build race

package main

// raced: the race detector ends a process that has more than 8,128 goroutines, and
// makes elliptic curves of our own many times slower.
const raced = true
