package aggregate

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// Digest tells whether two loads of counted rows are the same: SHA-256, hex, over
// the groups in any order and however they were split. Small inputs can be guessed
// from it, so it stays in the main store and is keyed wherever it is shown.
func Digest(groups []Counted) string {
	n := map[string]int{}
	for i := range groups {
		n[groups[i].spell()] += groups[i].N
	}
	lines := make([]string, 0, len(n))
	for spelt, installs := range n {
		lines = append(lines, fmt.Sprintf("%s|%d\n", spelt, installs))
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "")))
	return hex.EncodeToString(sum[:])
}

// spell writes everything but N; equal amounts are spelt alike (1.0 and 1.00).
func (c *Counted) spell() string {
	upper := "open"
	if c.RevenueMax != nil {
		upper = c.RevenueMax.String()
	}
	return fmt.Sprintf("%q|%q|%q|%q|%q|%q|%t|%s|%s|%s|%d|%d|%t|%t|%t", c.NetworkID, c.IDKind, c.Source, c.ShortForm,
		c.Kind, c.Coarse, c.Payer, c.RevenueMin, c.RevenueEst, upper, c.SchemaVersion,
		c.Fine, c.Clamped, c.Redownload, c.Ambiguous)
}
