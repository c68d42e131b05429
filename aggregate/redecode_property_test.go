package aggregate

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

// reworked is a next version of one of the meanings: flags, amounts, events and rows
// change here and there.
func reworked(r *rand.Rand, old []Meaning) Meaning {
	from := old[r.IntN(len(old))]
	m := Meaning{Version: len(old) + 1, Events: slices.Clone(from.Events)}
	rate := []int{1, 4, 64}[r.IntN(3)]
	for _, v := range from.Values {
		switch r.IntN(5 * rate) {
		case 0:
			v.Payer = !v.Payer
		case 1:
			v.Events = v.Events[:len(v.Events)/2]
		case 2:
			continue // no row any more
		case 3:
			v.Clamped = !v.Clamped
		case 4:
			v.RevenueMin = v.RevenueMin.Add(decimal.NewFromInt(1))
			v.RevenueEst, v.RevenueMax = v.RevenueMin, &v.RevenueMin
		}
		m.Values = append(m.Values, v)
	}
	return m
}

// pricedBatch is a measuredBatch whose payers paid what their version says.
func pricedBatch(r *rand.Rand) Batch {
	b := measuredBatch(r)
	for i := range b.Schemas {
		for j := range b.Schemas[i].Values {
			v := &b.Schemas[i].Values[j]
			if !v.Payer {
				continue
			}
			least := decimal.NewFromInt(int64(1 + r.IntN(2)))
			most := least.Add(decimal.NewFromInt(int64(r.IntN(2))))
			v.RevenueMin, v.RevenueEst, v.RevenueMax = least, least, &most
		}
	}
	for i := range b.Groups {
		g := &b.Groups[i]
		g.RevenueMin, g.RevenueEst, g.RevenueMax = decimal.Zero, decimal.Zero, &decimal.Zero
		if v := meant(b.Schemas, g); v != nil {
			g.RevenueMin, g.RevenueEst, g.RevenueMax = v.RevenueMin, v.RevenueEst, v.RevenueMax
		}
	}
	return b
}

// meant is the meaning of a group's value in the version that decoded it.
func meant(versions []Meaning, g *Counted) *ValueMeaning {
	for _, m := range versions {
		for i, v := range m.Values {
			if g.Kind == ValueFine && m.Version == g.SchemaVersion && v.Value == g.Fine {
				return &m.Values[i]
			}
		}
	}
	return nil
}

// as is the group as the version would have decoded it, had it been in force.
func (m Meaning) as(g Counted) Counted {
	g.SchemaVersion, g.Payer, g.RevenueMin, g.RevenueEst, g.RevenueMax = m.Version, false, decimal.Zero, decimal.Zero, &decimal.Zero
	if v := meant([]Meaning{m}, &g); v != nil {
		g.Payer, g.RevenueMin, g.RevenueEst, g.RevenueMax = v.Payer, v.RevenueMin, v.RevenueEst, v.RevenueMax
	}
	return g
}

// eachRedecode runs test on redecodes of random releases.
func eachRedecode(t *testing.T, seed uint64, n int, test func(r *rand.Rand, b Batch, base Release, d Decodes, again Release)) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 5))
	refused := 0
	for range n {
		b, s := pricedBatch(r), randomSettings(r)
		base := baseOf(s, b)
		if base.State == StateCarried {
			continue
		}
		d := under(reworked(r, b.Schemas), b.Schemas...)
		again, err := Redecode(base, d, base.SealedAt.Add(time.Hour))
		var no *RedecodeRefused
		if errors.As(err, &no) {
			require.Equal(t, RefusedSame, no.Reason, err)
			refused++
			continue
		}
		require.NoError(t, err)
		test(r, b, base, d, again)
	}
	require.Less(t, refused, n/2)
}

// Every number of a redecode is right: it is what counting the installs again under
// the new version gives, or bounds that; it is 0 or at least b; and rows, installs and
// bins are those of the base.
func TestRedecodeTellsTheTruth(t *testing.T) {
	t.Parallel()
	told := map[string]int{}
	eachRedecode(t, 1, 150, func(_ *rand.Rand, b Batch, base Release, d Decodes, again Release) {
		keys := map[string]int{}
		for i, r := range base.Rows {
			keys[r.Key()] = i
		}
		truth := make([]tally, len(base.Rows))
		counts := map[histogramKey][]Counted{}
		for _, g := range b.Groups {
			in := rowOf(t, g, base.Settings.Depth, keys)
			read := d.New.as(g)
			truth[in].add(&read)
			if base.Rows[in].Payers != nil && g.Kind == ValueFine {
				counts[campaignOf(base.Rows[in])] = append(counts[campaignOf(base.Rows[in])], read)
			}
		}
		require.Len(t, again.Rows, len(base.Rows))
		installs := 0
		for i, r := range again.Rows {
			require.True(t, countedAlike(r, base.Rows[i]))
			requireMeasures(t, r, base.B)
			installs += r.Installs
			if r.Payers == nil {
				told["no payers"]++
				continue
			}
			require.Equal(t, truth[i].payers, *r.Payers, "row %s", r.Key())
			told["payers"]++
			if r.RevenueMin != nil {
				told["revenue"]++
				require.True(t, r.RevenueMin.LessThanOrEqual(truth[i].revenue.min), "row %s: %s %s", r.Key(), r.RevenueMin, truth[i].revenue.min)
				require.True(t, r.RevenueMax.GreaterThanOrEqual(truth[i].revenue.max), "row %s", r.Key())
			}
		}
		require.Equal(t, base.Installs, installs)
		for c, groups := range counts {
			requireEvents(t, d.New, c, groups, again, told)
		}
		for _, x := range again.Remainders {
			if x.Measure != MeasurePayers {
				continue
			}
			sum := 0
			for _, row := range sharing(base.Rows, MeasurePayers)[x.NetworkID] {
				sum += truth[keys[row.Key()]].payers
			}
			require.Equal(t, sum, x.Installs, "the remainder that stays is still right")
		}
	})
	for _, what := range []string{"payers", "no payers", "revenue", "events", "clamped"} {
		require.Greater(t, told[what], 50, "%s: %v", what, told)
	}
}

// requireEvents counts a campaign's events, and what the cap cut, group by group.
func requireEvents(t *testing.T, m Meaning, c histogramKey, groups []Counted, again Release, told map[string]int) {
	t.Helper()
	count := func(is func(v ValueMeaning) bool) int {
		n := 0
		for i := range groups {
			if v := meant([]Meaning{m}, &groups[i]); v != nil && is(*v) {
				n += groups[i].N
			}
		}
		return n
	}
	for _, e := range again.Events {
		if e.Installs != nil && (histogramKey{e.NetworkID, e.IDKind, e.Source2}) == c {
			require.Equal(t, count(func(v ValueMeaning) bool { return v.event(e.EventName) != nil }), *e.Installs, e.EventName)
			told["events"]++
		}
	}
	for _, v := range again.Values {
		if v.Kind == BinClamped && v.Installs != nil && (histogramKey{v.NetworkID, v.IDKind, v.Source2}) == c {
			require.Equal(t, count(func(v ValueMeaning) bool { return v.Clamped }), *v.Installs)
			told["clamped"]++
		}
	}
}

// One version that reads everything alike gives every line again, byte for byte but
// for its number.
func TestRedecodeOfTheSameMeaning(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(2, 5))
	bins := 0
	for range 100 {
		b, s := pricedBatch(r), randomSettings(r)
		b.Schemas = b.Schemas[:1]
		for i := range b.Groups {
			if b.Groups[i].SchemaVersion != 1 && b.Groups[i].Kind == ValueFine {
				b.Groups[i].Kind = ValueUnset
			}
		}
		base := baseOf(s, b)
		d := under(b.Schemas[0], b.Schemas...)
		l, err := newRelabelling(base, d)
		require.NoError(t, err)
		values, events := l.publish()
		require.Equal(t, asJSON(t, base.Values), asJSON(t, values))
		require.Equal(t, asJSON(t, base.Events), asJSON(t, events))
		for _, row := range base.Rows {
			again := l.row(row)
			again.SchemaVersions = row.SchemaVersions
			require.Equal(t, row, again)
		}
		for _, x := range base.Remainders {
			kept, ok := l.remainder(x)
			require.True(t, ok)
			require.Equal(t, x, kept)
		}
		if base.State == StatePublished {
			_, err = Redecode(base, d, base.SealedAt)
			require.ErrorContains(t, err, "version 1 says the same")
		}
		bins += len(values)
	}
	require.Greater(t, bins, 200)
}

// Two worlds whose base releases are the same have the same redecode, whatever their
// installs did otherwise.
func TestRedecodeIsOfItsBaseAlone(t *testing.T) {
	t.Parallel()
	worlds := 0
	eachRedecode(t, 3, 300, func(r *rand.Rand, b Batch, base Release, d Decodes, again Release) {
		other := b
		other.Groups = slices.Clone(b.Groups)
		for range 1 + r.IntN(3) { // an install has another value: of its bin, or on a row whose bins nobody sees
			g := &other.Groups[r.IntN(len(b.Groups))]
			was := meant(b.Schemas, g)
			if was == nil {
				continue
			}
			values := b.Schemas[g.SchemaVersion-1].Values
			if v := values[r.IntN(len(values))]; v.Payer == was.Payer && sameAmounts(v, *was) {
				g.Fine = v.Value
			}
		}
		if Digest(other.Groups) == Digest(b.Groups) {
			return
		}
		twin := baseOf(base.Settings, other)
		twin.Digest = base.Digest
		if asJSON(t, twin) != asJSON(t, base) {
			return
		}
		worlds++
		same, err := Redecode(twin, d, again.SealedAt)
		require.NoError(t, err)
		require.Equal(t, asJSON(t, again), asJSON(t, same))
	})
	require.Greater(t, worlds, 20)
}
