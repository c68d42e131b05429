package aggregate

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"skand/aggregate/model"
	"skand/schema"
)

// The first metrics of an Alphabet; events follow.
const (
	MetricPayers  = 0
	MetricRevenue = 1
)

// Alphabet is the fine values of all schema versions that a model reads, each meaning
// once, and what they are worth.
type Alphabet struct {
	Events []string // metric 2 and on
	Values []model.Value
	at     map[versioned]int
}

type versioned struct{ version, value int }

// NewAlphabet reads the versions by their numbers.
func NewAlphabet(documents map[int]*schema.Document, set Dataset) *Alphabet {
	a := &Alphabet{at: map[versioned]int{}}
	var meanings []Meaning
	for _, version := range slices.Sorted(maps.Keys(documents)) {
		m := MeaningOf(version, documents[version], set)
		meanings = append(meanings, m)
		for _, e := range m.Events {
			if !slices.Contains(a.Events, e) {
				a.Events = append(a.Events, e)
			}
		}
	}
	type known struct {
		meaning ValueMeaning
		level   int
	}
	var kept []known
	for _, m := range meanings {
		levels := model.LevelsOf(documents[m.Version])
		for _, v := range m.Values {
			i := slices.IndexFunc(kept, func(k known) bool { return k.level == levels[v.Value] && k.meaning.equal(v) })
			if i < 0 {
				i = len(kept)
				kept = append(kept, known{v, levels[v.Value]})
				a.Values = append(a.Values, a.value(v, levels[v.Value]))
			}
			a.at[versioned{m.Version, v.Value}] = i
		}
	}
	return a
}

// Metrics is how many amounts a value has.
func (a *Alphabet) Metrics() int { return 2 + len(a.Events) }

func (a *Alphabet) value(v ValueMeaning, level int) model.Value {
	out := model.Value{Level: level, Payer: v.Payer, Amounts: make([]float64, a.Metrics())}
	if v.Payer {
		out.Amounts[MetricPayers] = 1
	}
	out.Amounts[MetricRevenue] = v.RevenueEst.InexactFloat64()
	for i, name := range a.Events {
		if e := v.event(name); e != nil {
			out.Amounts[2+i] = e.estimate().InexactFloat64()
		}
	}
	return out
}

// of lists the values of payers, or of the others.
func (a *Alphabet) of(payers bool) (out []int) {
	for i, v := range a.Values {
		if v.Payer == payers {
			out = append(out, i)
		}
	}
	return out
}

// bin finds the values of a published bin. What no version explains is left out.
func (a *Alphabet) bin(b ValueBin) ([]int, error) {
	var out []int
	if b.Values == "" {
		return nil, nil
	}
	for part := range strings.SplitSeq(b.Values, ";") {
		version, list := b.SchemaVersion, part
		if head, tail, several := strings.Cut(part, ":"); several {
			v, err := strconv.Atoi(head)
			if err != nil {
				return nil, fmt.Errorf("published bin %q: %w", b.Values, err)
			}
			version, list = v, tail
		}
		row, err := schema.FineBin(list)
		if err != nil {
			return nil, fmt.Errorf("published bin %q: %w", b.Values, err)
		}
		for v := row.From; v <= row.To; v++ {
			i, known := a.at[versioned{version, v}]
			if known && (row.Values == nil || slices.Contains(row.Values, v)) && !slices.Contains(out, i) {
				out = append(out, i)
			}
		}
	}
	return out, nil
}
