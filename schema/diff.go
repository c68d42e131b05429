package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/shopspring/decimal"
)

// ChangeKind tells what happened to a part of a document.
type ChangeKind string

// The kinds of change.
const (
	ChangeAdded   ChangeKind = "added"
	ChangeRemoved ChangeKind = "removed"
	ChangeChanged ChangeKind = "changed"
)

// Change is one part that two documents do not share.
type Change struct {
	Kind ChangeKind `json:"kind"`
	// Pointer is the part's JSON pointer in the new document as it was written; in
	// the old one when the part was removed.
	Pointer string `json:"pointer"`
	// Old and New are the part in canonical form, null where there is none. Of an
	// added or removed window it is only the index: its parts are changes of their
	// own.
	Old json.RawMessage `json:"old"`
	New json.RawMessage `json:"new"`
	// Words say the change to whoever buys the traffic.
	Words string `json:"words"`
}

// Difference is everything that two documents do not share, in the order of the
// canonical form: the document's own members, then windows by index (reserved
// ranges, lock, fine values, coarse levels), re-engagement windows, the layout.
type Difference struct {
	Changes []Change `json:"changes"`
}

// Empty reports whether the documents mean the same.
func (d Difference) Empty() bool { return len(d.Changes) == 0 }

// Words lists the changes, one sentence each.
func (d Difference) Words() []string {
	out := make([]string, 0, len(d.Changes))
	for _, c := range d.Changes {
		out = append(out, c.Words)
	}
	return out
}

// Diff compares two parsed documents. It is empty if and only if they are Equal:
// the order of rows, zeros of amounts and written-out defaults are no change.
func Diff(before, after *Document) Difference {
	c := comparison{before: before, after: after, changes: []Change{}}
	c.members()
	c.windows(before.Windows, after.Windows, "/windows", false)
	c.windows(before.ReengagementWindows, after.ReengagementWindows, "/reengagement_windows", true)
	c.layout()
	return Difference{Changes: c.changes}
}

// comparison collects changes.
type comparison struct {
	before, after *Document
	changes       []Change
}

// add notes a change unless both sides are the same; nil is an absent part.
func (c *comparison) add(atOld, atNew string, before, after json.RawMessage, words string) {
	change := Change{ChangeChanged, atNew, before, after, words}
	switch {
	case bytes.Equal(before, after):
		return
	case before == nil:
		change.Kind = ChangeAdded
	case after == nil:
		change.Kind, change.Pointer = ChangeRemoved, atOld
	}
	c.changes = append(c.changes, change)
}

// member compares one member of the documents themselves. Words has two %s, for
// the new and for the old state.
func (c *comparison) member(name, words string, before, after stated) {
	at := under("", name)
	c.add(at, at, before.raw, after.raw, fmt.Sprintf(words, after.words, before.words))
}

// stated is one side of a member: its JSON, nil when absent, and its words.
type stated struct {
	raw   json.RawMessage
	words string
}

func (c *comparison) members() {
	a, b := c.before, c.after
	number := func(n int64) stated { return said(n, n != 0, strconv.FormatInt(n, 10), "none") }
	quoted := func(s, none string) stated { return said(s, s != "", s, none) }
	money := func(m *decimal.Decimal, currency, none string) stated {
		if m == nil {
			return stated{words: none}
		}
		return said(m, true, moneyWords(*m, currency), none)
	}
	bit := func(n *int) stated {
		if n == nil {
			return stated{words: "no bit"}
		}
		return said(*n, true, fmt.Sprintf("bit %d", *n), "")
	}
	c.member("app_id", "The app is now %s (was: %s)", number(a.AppID), number(b.AppID))
	c.member("name", "The name is now %s (was: %s)", quoted(a.Name, "none"), quoted(b.Name, "none"))
	c.member("currency", "Amounts are now in %s (were: %s); no amount is converted by this",
		quoted(a.Currency, "no currency"), quoted(b.Currency, "no currency"))
	c.member("revenue_source", "Revenue now comes from %s (was: %s)", sourceWords(a), sourceWords(b))
	c.member("revenue_cap", "One install now counts for at most %s (was: %s)",
		money(a.RevenueCap, a.Currency, "any amount"), money(b.RevenueCap, b.Currency, "any amount"))
	c.member("open_band_mean", "A band without a maximum is now estimated at %s (was: %s)",
		money(a.OpenBandMean, a.Currency, "its minimum"), money(b.OpenBandMean, b.Currency, "its minimum"))
	c.member("overlap_bit", "Installs that the deterministic side counts too are now marked by %s (was: %s)",
		bit(a.OverlapBit), bit(b.OverlapBit))
}

func sourceWords(d *Document) stated {
	words := map[string]string{"iap": "in-app purchases", "ads": "advertising", "all": "purchases and advertising"}[d.RevenueSource]
	if words == "" {
		words = d.RevenueSource
	}
	return said(d.RevenueSource, d.RevenueSource != "", words, "not said")
}

// layout compares the model that the editor remembers. It decides nothing, and the
// words say so.
func (c *comparison) layout() {
	side := func(d *Document) stated {
		if len(d.Layout) == 0 {
			return stated{words: "none"}
		}
		var kind struct {
			Kind string `json:"kind"`
		}
		tree, err := readTree(d.Layout)
		if err != nil || json.Unmarshal(d.Layout, &kind) != nil || kind.Kind == "" {
			kind.Kind = "of no kind"
		}
		if err != nil {
			return stated{json.RawMessage(d.Layout), kind.Kind}
		}
		var b bytes.Buffer
		tree.write(&b)
		return stated{b.Bytes(), kind.Kind}
	}
	a, b := side(c.before), side(c.after)
	words := "The model that the table is written with is now %s (was: %s); only changed values decode otherwise"
	if a.words == b.words {
		words = "The settings of the model changed (%s, as before: %s); only changed values decode otherwise"
	}
	c.member("layout", words, a, b)
}

// said is a part with its words; none are the words for an absent one.
func said(v any, present bool, words, none string) stated {
	if !present {
		return stated{words: none}
	}
	return stated{json.RawMessage(fingerprint(v)), words}
}
