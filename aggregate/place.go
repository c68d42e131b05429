package aggregate

import (
	"strings"
	"time"
)

// Placed finds the one row of a release that an install like g was published in, among
// all of its rows, the depth being the one that it was cut with. It walks the tree that
// Cut walks and needs no count of anybody: false means that these are not all rows of
// the release, or that the install was not in it.
//
// What it tells is which row, never more than the row itself says. It is for operators:
// who asks about one install knows that install already.
func Placed(rows []Row, depth int, g *Counted) (Row, bool) {
	byKey := make(map[string]Row, len(rows))
	for _, r := range rows {
		byKey[r.Key()] = r
	}
	node := Row{Level: LevelTotal}
	for {
		if r, whole := byKey[node.Key()]; whole {
			return r, true // a row has no rows beneath it
		}
		at := branch{row: node, groups: []*Counted{g}}
		if at.bottom(depth) {
			return Row{}, false
		}
		child := node.child(g)
		if !divided(rows, child) {
			r, found := byKey[together(node, nil).row.Key()]
			return r, found
		}
		node = child
	}
}

// divided reports whether a node is a row or has rows beneath it; else its installs are
// with those of its siblings, in `other`.
func divided(rows []Row, node Row) bool {
	key := node.Key()
	for _, r := range rows {
		if k := r.Key(); k == key || strings.HasPrefix(k, key+"/") {
			return true
		}
	}
	return false
}

// WindowOf is the window that a row counted at t falls in, unless that has been sealed,
// by the settings in force when it began.
func WindowOf(history []SettingsAt, t time.Time) Window {
	w, _ := windowOf(history, t)
	return w
}
