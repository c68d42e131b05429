package attack

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/schema"
)

// modelHolds [one install in or out moves modelled rows only where published rows move;
// two versions read the same; toggled or asked again: refused]. The releases are those
// that the next version of the model would publish.
func (w *world) modelHolds(t *testing.T) {
	again := func() (bytes string, windows int, prepare func() error) {
		due, err := w.store.Modelable(t.Context(), aggregate.ModelVersion+1, modelSettings())
		require.NoError(t, err)
		i := slices.IndexFunc(due, func(m aggregate.Modelable) bool {
			return m.Dataset.AppID == weeklyApp && m.Dataset.Kind == aggregate.KindInstall
		})
		require.GreaterOrEqual(t, i, 0)
		fits := modelSettings().Plan(due[i])
		f := fits[len(fits)-1]
		reading, err := w.store.ReadModelable(t.Context(), f)
		require.NoError(t, err)
		releases, err := f.Releases(reading, modelSettings(), begin)
		require.NoError(t, err)
		text, err := json.Marshal(releases)
		require.NoError(t, err)
		last, counts := releases[len(releases)-1], reading.Windows[len(reading.Windows)-1]
		return string(text), len(releases), func() error {
			last.ModelVersion++
			last.ID = aggregate.ReleaseID(last.Dataset, last.Window, last.View, last.Kind, last.ModelVersion)
			return w.store.PrepareModel(t.Context(), last, counts)
		}
	}
	before := w.sealed(t)
	require.Zero(t, w.model(), "asked again, nothing is due")
	require.Equal(t, before, w.sealed(t))
	first, windows, _ := again()
	c := &crafting{q: &quarter{apple: w.q.apple}, n: 1 << 23}
	require.NoError(t, c.campaign(campaign{network: steady, source: "1102", installs: 3, payers: 2}, begin))
	w.receive(c.q.letters)
	w.decode()
	second, _, prepare := again()
	require.Equal(t, first, second, "installs that are in no published row change no modelled byte")
	require.Positive(t, windows)
	w.oneInstall(t)
	// A window takes this version and one other.
	require.NoError(t, prepare())
	var refused *aggregate.InTheWayError
	require.ErrorAs(t, prepare(), &refused)
	require.NotEmpty(t, refused.InTheWay)
	w.seal() // publishes what is prepared
	w.unchanged(t, before)
}

// oneInstall takes installs out of a sealed window, or lets them do something else, one at
// a time: where what is published stays as it is, so does every modelled byte.
func (w *world) oneInstall(t *testing.T) {
	var id string
	for one, c := range w.witness.cuts {
		d := c.release.Dataset
		if d.AppID == weeklyApp && d.SequenceIndex == 0 && d.Kind == aggregate.KindInstall && (id == "" || one < id) {
			id = one
		}
	}
	c := w.witness.cuts[id]
	versions, err := w.store.SchemaVersions(t.Context(), weeklyApp)
	require.NoError(t, err)
	modelled := func(b aggregate.Batch) (published, text string) {
		p := aggregate.Cut(c.release.Dataset, c.release.Settings, b)
		r := c.release
		r.Rows, r.Remainders, r.Values = p.Rows, p.Remainders, p.Values
		f := aggregate.ModelFit{Dataset: r.Dataset, Windows: []aggregate.ModelableWindow{{Counts: r.Line(), Due: true}}, All: []aggregate.Release{r.Line()}}
		releases, err := f.Releases(aggregate.ModelReading{Windows: []aggregate.Release{r}, Documents: map[int]*schema.Document{1: versions[0].Document}}, modelSettings(), begin)
		require.NoError(t, err)
		a, err := json.Marshal([]any{p.Rows, p.Remainders, p.Values})
		require.NoError(t, err)
		m, err := json.Marshal(releases)
		require.NoError(t, err)
		return string(a), string(m)
	}
	published, text := modelled(c.batch)
	rng, stays, moves := seed(), 0, 0
	for try := range 40 {
		b := c.batch
		b.Groups = slices.Clone(c.batch.Groups)
		i := rng.IntN(len(b.Groups))
		other := b.Groups[i]
		if b.Groups[i].N--; b.Groups[i].N == 0 {
			b.Groups = slices.Delete(b.Groups, i, i+1)
		}
		if try%4 > 0 {
			did := c.batch.Groups[rng.IntN(len(c.batch.Groups))]
			other.N, other.Kind, other.Coarse, other.Fine, other.SchemaVersion = 1, did.Kind, did.Coarse, did.Fine, did.SchemaVersion
			other.Payer, other.Clamped, other.RevenueMin, other.RevenueEst, other.RevenueMax = did.Payer, did.Clamped, did.RevenueMin, did.RevenueEst, did.RevenueMax
			b.Groups = append(b.Groups, other)
		}
		p, m := modelled(b)
		if p == published {
			stays++
			require.Equal(t, text, m)
		} else {
			moves++
		}
	}
	t.Logf("one install out, or another: what is published moved %d times, and stayed %d times", moves, stays)
	require.Positive(t, moves)
	require.Positive(t, stays)
}
