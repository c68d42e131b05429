package attack

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/internal/auth"
)

// TestAttacks plays the quarter on each database, lets every attack loose on what its
// readers see, and then every attack on its naive publishers.
func TestAttacks(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	seen := map[string]*snapshot{}
	var played *world
	t.Run("worlds", func(t *testing.T) {
		for _, name := range databases {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, name)
				w.play()
				t.Run("there is something to attack", w.everySideIsThere)
				r := w.reader()
				for _, a := range attacks {
					t.Run(a.name, func(t *testing.T) { require.Empty(t, a.run(r)) })
				}
				mu.Lock()
				seen[name] = w.snapshots[len(w.snapshots)-1]
				mu.Unlock()
				for _, s := range steps {
					t.Run(s.name, func(t *testing.T) { s.run(w, t) })
				}
				mu.Lock()
				defer mu.Unlock()
				if name == databases[0] {
					played = w
				}
			})
		}
	})
	if t.Failed() || played == nil {
		return
	}
	if seen["postgres"] != nil && seen["sqlite"] != nil {
		require.Equal(t, seen["sqlite"].comparable(), seen["postgres"].comparable(), "the same on both databases")
	}
	t.Run("naive publishers", func(t *testing.T) {
		readers, empty := map[string]*reader{}, emptyStore(t)
		for name, publish := range naives {
			readers[name] = publish(newNaive(t, empty, played.witness.cuts, played.truth))
		}
		t.Run("every surface of the API against no threshold at all", func(t *testing.T) {
			n := newNaive(t, empty, played.witness.cuts, played.truth)
			naives["no threshold at all"](n)
			w := &world{t: t, store: n.store, now: played.now, tokens: map[auth.Role]string{}}
			w.serve()
			require.NotEmpty(t, surfaces(t, w.admin, w.tokens[auth.Viewer]))
		})
		for _, a := range attacks {
			for _, name := range a.naives {
				t.Run(fmt.Sprint(a.name, " against ", name), func(t *testing.T) {
					found := a.run(readers[name])
					require.NotEmpty(t, found, "the attack is toothless")
					t.Logf("%d found, such as %.300s", len(found), found[0])
				})
			}
		}
	})
}

// reader is who attacks this world.
func (w *world) reader() *reader {
	r := &reader{view: newView(w.t, w.snapshots[len(w.snapshots)-1]), snapshots: w.snapshots}
	r.lore = lore{
		leaves: leavesOf(w.witness.cuts), meanings: meaningsOf(w.witness.cuts), merges: true, publisher: w.bi,
		versions: w.versionsOf(w.t), forged: map[string]map[string]int{}, redecodedBy: map[string]aggregate.Meaning{},
	}
	versions, err := w.store.SchemaVersions(w.t.Context(), weeklyApp)
	require.NoError(w.t, err)
	for _, id := range w.redecoded {
		again := strings.Replace(id, ".base.", ".redecode.", 1)
		r.redecodedBy[again] = aggregate.MeaningOf(1, versions[0].Document, w.witness.cuts[id].release.Dataset)
	}
	for id, c := range w.witness.cuts {
		r.forged[id] = forgedOn(w.truth, c.release.Window)
	}
	return r
}
