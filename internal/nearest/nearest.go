// Package nearest owns the search for the name that was probably meant when one is
// not known. It refuses to say what is near enough to be told: whoever asks knows how
// far a mistake goes among its names.
package nearest

import "strings"

// longest is how much of a name is read, in bytes: no name of ours is longer, and the
// work is quadratic in what a stranger may send.
const longest = 64

// Name returns the known name that the fewest edits lead to, the first of equals, and
// their number, in letters of either case. Of no known names it is "" and 0.
func Name(name string, known []string) (best string, edits int) {
	name = strings.ToLower(name[:min(len(name), longest)])
	for i, k := range known {
		if d := distance(name, strings.ToLower(k)); i == 0 || d < edits {
			best, edits = k, d
		}
	}
	return best, edits
}

// distance is Levenshtein's, over bytes: insertions, deletions and changes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
