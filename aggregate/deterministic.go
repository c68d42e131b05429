package aggregate

import (
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// The deterministic side: installs of people who let their app report them. Another
// legal basis than postbacks, other tables, the same tree and the same rules of k and b.
const (
	KindDeterministic = "deterministic" // Dataset.Kind
	ViewDeterministic = "deterministic"

	KindCombined = "combined" // both sides together; see Combine
	ViewCombined = "combined"
)

// Horizon is how long after an install what it did is counted: the length of
// SKAdNetwork's first window. A window is sealed that much later than it ends.
const Horizon = 72 * time.Hour

// Organic is the network of installs that no ad led to. It is one node of the tree.
const Organic = "organic"

// IDNone says that no source names the install: an organic one.
const IDNone = "none"

// MaxDone is how many events a histogram of the deterministic side tells apart. Each
// doubles its cells, and what is cut finer than b is told nowhere.
const MaxDone = 6

// DeterministicDataset is the one dataset of an app's consented installs.
func DeterministicDataset(appID int64) Dataset {
	return Dataset{AppID: appID, Kind: KindDeterministic, Environment: EnvProduction}
}

// view is which view of the ledger the dataset is sealed under.
func (d Dataset) view() string {
	if d.Kind == KindDeterministic {
		return ViewDeterministic
	}
	return ViewCohort
}

// Consented is one group of consented installs that are alike.
type Consented struct {
	N         int
	NetworkID string // lower case; "": organic
	Campaign         // where the network's campaigns name a source for it
	ShortForm string // last, first
	Payer     bool   // it paid something within the horizon
	// Revenue within the horizon, in the app's currency, clamped at the schema's cap.
	Revenue decimal.Decimal
	Done    int // bit i: it did the i-th of DoneNames within the horizon
}

// Campaign is a source as postbacks carry it. Zero: what led to the install is known
// to the network alone, and the tree has it as withheld.
type Campaign struct {
	IDKind string // source, campaign
	Source string
}

// Counted is the group as the tree takes it: an install whose value is known in full.
func (c Consented) Counted() Counted {
	g := Counted{
		N: c.N, NetworkID: c.NetworkID, IDKind: c.IDKind, Source: c.Source, ShortForm: c.ShortForm,
		Kind: ValueFine, Fine: doneValue(c.Done, c.Payer), Payer: c.Payer,
	}
	switch c.NetworkID {
	case "":
		g.NetworkID, g.IDKind, g.Source = Organic, IDNone, ""
	case Organic:
		g.NetworkID = "%" + Organic // whatever a network calls itself
	}
	if c.Payer {
		g.RevenueMin, g.RevenueEst, g.RevenueMax = c.Revenue, c.Revenue, &c.Revenue
	}
	return g
}

// DoneNames are the events that the deterministic side tells of: the stages of the
// funnels, then the catalogue, MaxDone at most. They are declared; were they the names
// that occurred, an event of one install would show.
func DoneNames(funnels [][]string, catalogue []string) []string {
	var names []string
	for _, name := range slices.Concat(append(slices.Clone(funnels), catalogue)...) {
		if len(names) < MaxDone && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func doneValue(done int, payer bool) int {
	if payer {
		done |= 1 << MaxDone
	}
	return done
}

// DoneMeaning is the tree of a histogram of what consented installs did: payers and
// others first, then the events in their order. It hangs on the names alone.
func DoneMeaning(names []string) Meaning {
	names = names[:min(len(names), MaxDone)]
	m := Meaning{Events: names}
	for _, payer := range []bool{false, true} {
		for done := range 1 << len(names) {
			v := ValueMeaning{Value: doneValue(done, payer), Payer: payer, RevenueMax: &decimal.Decimal{}}
			for i, name := range names {
				if done>>i&1 == 1 {
					v.Events = append(v.Events, EventMeaning{Name: name, CountMin: 1})
				}
			}
			m.Values = append(m.Values, v)
		}
	}
	return m
}
