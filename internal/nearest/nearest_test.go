package nearest

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		known []string
		want  string
		edits int
	}{
		{"pubic", []string{"db", "public", "log.level"}, "public", 1},
		{"Goggle-Ads", []string{"adjust-v3", "google-ads"}, "google-ads", 1},
		{"clickid", []string{"event_id", "click_id", "CLICK-ID"}, "click_id", 1},
		{"x", []string{"a", "b"}, "a", 1},
		{"", []string{"abc", "ab"}, "ab", 2},
		{"kitten", []string{"sitting"}, "sitting", 3},
		{"flaw", []string{"lawn"}, "lawn", 2},
		{"", nil, "", 0},
		{"anything", nil, "", 0},
		{"é", []string{"e"}, "e", 2},
		{strings.Repeat("a", 1<<20), []string{"a", "b"}, "a", longest - 1},
	} {
		got, edits := Name(c.name, c.known)
		require.Equal(t, c.want, got, c.name[:min(len(c.name), 70)])
		require.Equal(t, c.edits, edits, c.want)
	}
}

// TestDistanceIsOne: never above the edits that were made, the same both ways, zero
// for equals alone, and no detour is shorter.
func TestDistanceIsOne(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	word := func() string {
		b := make([]byte, r.IntN(9))
		for i := range b {
			b[i] = "abc"[r.IntN(3)]
		}
		return string(b)
	}
	for range 5000 {
		a, b, c := word(), word(), word()
		require.Equal(t, distance(a, b), distance(b, a))
		require.Equal(t, a == b, distance(a, b) == 0)
		require.LessOrEqual(t, distance(a, c), distance(a, b)+distance(b, c))
		require.GreaterOrEqual(t, distance(a, b), max(len(a), len(b))-min(len(a), len(b)))
		i := r.IntN(len(a) + 1)
		require.Equal(t, 1, distance(a, a[:i]+"x"+a[i:]))
	}
}
