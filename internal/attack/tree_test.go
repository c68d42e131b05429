package attack

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/aggregate"
)

// The brute-force reader of trees knows the place of every source that there can be,
// and the rule by which they are cut. It lists every way to put installs there that is
// published alike, and asks of every set of places whether its size is now known to be
// 1 to k-1.

// solvedTrees lists what is known of leaves that hold most installs at most together.
func solvedTrees(publish func(groups []aggregate.Counted) string, leaves []aggregate.Counted, most, k int) (out []string) {
	type sizes struct{ least, most [1 << 6]int }
	alike := map[string]*sizes{}
	counts := make([]int, len(leaves))
	var each func(i, left int)
	each = func(i, left int) {
		if i < len(leaves) {
			for counts[i] = 0; counts[i] <= left; counts[i]++ {
				each(i+1, left-counts[i])
			}
			return
		}
		var groups []aggregate.Counted
		for i, leaf := range leaves {
			if leaf.N = counts[i]; leaf.N > 0 {
				groups = append(groups, leaf)
			}
		}
		key := publish(groups)
		s, old := alike[key]
		if !old {
			s = &sizes{}
			alike[key] = s
		}
		for set := 1; set < 1<<len(leaves); set++ {
			n := 0
			for i, c := range counts {
				n += set >> i & 1 * c
			}
			if !old {
				s.least[set], s.most[set] = n, n
			}
			s.least[set], s.most[set] = min(s.least[set], n), max(s.most[set], n)
		}
	}
	each(0, most)
	for key, s := range alike {
		for set := 1; set < 1<<len(leaves); set++ {
			if n := s.least[set]; n == s.most[set] && n > 0 && n < k {
				out = append(out, fmt.Sprintf("published %s: set %b is %d", key, set, n))
				break
			}
		}
	}
	return out
}

func rowsOf(rows []aggregate.Row) (text string) {
	for _, r := range rows {
		text += fmt.Sprint(r.Key(), "=", r.Installs, " ")
	}
	return text
}

// smallTrees are the shapes: sources of one network, networks, and both.
var smallTrees = map[string][]aggregate.Counted{
	"one network": {leaf("a", "10"), leaf("a", "20"), leaf("a", "30")},
	"digits":      {leaf("a", "1110"), leaf("a", "2110"), leaf("a", "110"), leaf("a", "20")},
	"networks":    {leaf("a", "10"), leaf("b", "10"), leaf("c", "10"), leaf("d", "10")},
	"five":        {leaf("a", "10"), leaf("a", "20"), leaf("a", "30"), leaf("a", "40"), leaf("a", "50")},
	"both":        {leaf("a", "10"), leaf("a", "20"), leaf("b", "10"), leaf("b", "20")},
}

func leaf(network, source string) aggregate.Counted {
	return aggregate.Counted{NetworkID: network, IDKind: aggregate.IDSource, Source: source, ShortForm: aggregate.ShortLast, Kind: aggregate.ValueNull}
}

func TestReaderOfTrees(t *testing.T) {
	t.Parallel()
	const k = 3 // below the floor, so that everything can be listed
	s := aggregate.DefaultSettings()
	s.K, s.B = k, k
	d := aggregate.Dataset{AppID: 1, Kind: aggregate.KindInstall, Environment: aggregate.EnvProduction}
	for name, leaves := range smallTrees {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Empty(t, solvedTrees(func(groups []aggregate.Counted) string {
				return rowsOf(aggregate.Cut(d, s, aggregate.Batch{Groups: groups}).Rows)
			}, leaves, 16, k))
			// Naive: every level thresholded by itself.
			require.NotEmpty(t, solvedTrees(func(groups []aggregate.Counted) (text string) {
				for _, x := range nodesOf(groups) {
					if x.installs() >= k {
						text += fmt.Sprint(x.row.Key(), "=", x.installs(), " ")
					}
				}
				return text
			}, leaves, 16, k))
		})
	}
}
