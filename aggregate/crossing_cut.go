package aggregate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// CrossingCell is one line of `cohort_crossing`. It has no threshold of its own, as its
// noise hides every single install; below k it is nil all the same, so that no surface
// shows a count below k.
type CrossingCell struct {
	View        string `json:"view"`
	NetworkID   string `json:"network_id"` // "" is NULL: the networks that have no row of their own
	Value       string `json:"value"`      // a declared one, or other
	Installs    *int   `json:"installs"`   // noised; nil: below k
	Epsilon     string `json:"epsilon"`    // what the view spent
	HalfWidth90 int    `json:"half_width90"`
}

// trueCell is a cell before its noise; it never leaves this package.
type trueCell struct {
	network, value string
	n              int
}

// cells counts the view over exactly the installs of the rows. Which cells there are
// follows from the published rows and the declared values alone: the networks that have
// rows of their own, "" for the rest where rows tell of one, each with every value.
func (c Crossing) cells(rows []Row, groups []Crossed) ([]trueCell, error) {
	missing := map[string]int{} // installs of the rows that no group has brought yet
	for _, r := range rows {
		missing[r.NetworkID] += r.Installs
	}
	values := c.values()
	n := map[trueCell]int{}
	for _, g := range groups {
		if g.View != c.View {
			continue
		}
		at := trueCell{network: g.NetworkID, value: g.Value}
		if _, own := missing[at.network]; !own {
			at.network = ""
		}
		if !slices.Contains(values, at.value) {
			at.value = CrossedOther
		}
		n[at] += g.N
		missing[at.network] -= g.N
	}
	var cells []trueCell
	for _, network := range slices.Sorted(maps.Keys(missing)) {
		if missing[network] != 0 {
			return nil, fmt.Errorf("crossing %s: %w", c.View, ErrRowsChanged)
		}
		for _, value := range values {
			cells = append(cells, trueCell{network, value, n[trueCell{network: network, value: value}]})
		}
	}
	return cells, nil
}

// crossings draws the noise of every declared view, once. Which cells there are, and in
// which order, depends on no count.
func crossings(s Settings, rows []Row, groups []Crossed, noise Noise) ([]CrossingCell, error) {
	share, err := s.epsilonEach()
	if err != nil {
		return nil, err
	}
	epsilon := share.InexactFloat64()
	width, err := noise.HalfWidth90(epsilon)
	if err != nil {
		return nil, err
	}
	var out []CrossingCell
	for _, c := range slices.SortedFunc(slices.Values(s.Crossings), func(a, b Crossing) int { return strings.Compare(a.View, b.View) }) {
		cells, err := c.cells(rows, groups)
		if err != nil {
			return nil, err
		}
		for _, cell := range cells {
			line := CrossingCell{View: c.View, NetworkID: cell.network, Value: cell.value, Epsilon: share.String(), HalfWidth90: width}
			noised, err := noise.Count(cell.n, epsilon)
			if err != nil {
				return nil, err
			}
			if noised >= s.K {
				line.Installs = &noised
			}
			out = append(out, line)
		}
	}
	return out, nil
}

// cross adds the noised views to a release that is about to be prepared. From Prepare on
// their numbers are in the ledger: whatever happens then, they are drawn no more.
func (s *Sealer) cross(ctx context.Context, r *Release) error {
	if r.State != StatePrepared || r.Kind != ReleaseBase || len(r.Settings.Crossings) == 0 {
		return nil
	}
	if s.Noise == nil {
		return errors.New("crossings are declared, and there is no source of noise")
	}
	groups, err := s.Store.Crossed(ctx, r.Dataset, r.Taken, r.Settings.views())
	if err != nil {
		return fmt.Errorf("load crossings: %w", err)
	}
	r.Crossings, err = crossings(r.Settings, r.Rows, groups, s.Noise)
	if err != nil {
		return err
	}
	r.Digest = DigestCrossed(r.Digest, groups)
	return nil
}

// CrossedViews names the views whose groups are in Digest.
func (r Release) CrossedViews() []string {
	if len(r.Crossings) == 0 {
		return nil
	}
	return r.Settings.views()
}

// DigestCrossed adds to a Digest what crossings count, in any order: a better copy can
// change the country of a row and nothing else. Without groups it is the digest itself.
func DigestCrossed(digest string, groups []Crossed) string {
	if len(groups) == 0 {
		return digest
	}
	lines := []string{digest}
	for _, g := range groups {
		lines = append(lines, fmt.Sprintf("%q|%q|%q|%d", g.View, g.NetworkID, g.Value, g.N))
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:])
}

// Charges are the lines of the ledger by which the views of a release are paid for: one
// for each, unique, so that no view of a window is ever drawn again. The epsilons of a
// dataset and window add up to no more than its budget.
func (r Release) Charges() []Release {
	if len(r.Crossings) == 0 {
		return nil
	}
	var out []Release
	for _, name := range slices.Sorted(slices.Values(r.Settings.views())) {
		c := r.Line()
		c.View = ViewCrossing + name
		c.ID = ReleaseID(r.Dataset, r.Window, c.View, r.Kind, r.ModelVersion)
		c.State, c.Epsilon = StateCharged, r.Crossings[0].Epsilon
		c.Installs, c.Carried, c.Digest = 0, 0, ""
		out = append(out, c)
	}
	return out
}
