package aggregate

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// crowd is n counted installs of a network with what Apple left of the source.
func crowd(n int, network, source string) Counted {
	return Counted{
		N: n, NetworkID: network, IDKind: IDSource, Source: source, ShortForm: ShortLast,
		Kind: ValueFine, SchemaVersion: 1,
	}
}

func campaign(n int, network, id string) Counted {
	c := crowd(n, network, id)
	c.IDKind, c.ShortForm = IDCampaign, ""
	return c
}

// picture is a release as lines "key installs".
func picture(rows []Row) string {
	var b strings.Builder
	for _, r := range rows {
		fmt.Fprintf(&b, "%-18s %d\n", r.Key(), r.Installs)
	}
	return b.String()
}

func requirePicture(t *testing.T, want string, p Published) {
	t.Helper()
	var b strings.Builder
	for line := range strings.Lines(strings.TrimSpace(want)) {
		f := strings.Fields(line)
		fmt.Fprintf(&b, "%-18s %s\n", f[0], f[1])
	}
	require.Equal(t, b.String(), picture(p.Rows))
}

// The worked example of docs/privacy.md.
func TestCutGolden(t *testing.T) {
	t.Parallel()
	batch := Batch{Groups: []Counted{
		crowd(40, "a", "5239"), // a ┬ 39 ┬ 239 ┬ 5239      40   visible
		crowd(7, "a", "1239"),  //   │    │     ├ 1239       7 ┐ other: 7 + 15
		crowd(15, "a", "239"),  //   │    │     └ withheld  15 ┘
		crowd(25, "a", "139"),  //   │    ├ 139 ─ withheld  25   visible
		crowd(12, "a", "39"),   //   │    └ withheld        12   below k: other, which absorbs 139
		campaign(30, "a", "7"), //   ├ campaign 7           30   visible
		crowd(9, "a", "12"),    //   ├ 12                    9 ┐ other: 9 + 14
		crowd(14, "a", "40"),   //   └ 40                   14 ┘
		crowd(21, "b", "55"),   // b ─ 55                   21   visible, but the `other` of networks
		crowd(11, "c", "01"),   // c ─ 01                   11   needs k outside its largest: b is absorbed
	}}
	p := Cut(installs, DefaultSettings(), batch)
	require.NoError(t, p.check(20, 5, batch.Installs()))
	// c alone is 11; with b it is 32, of which only 11 are outside b; with a nothing
	// would be left to see. So the app is one row: a small network beside two others
	// costs the tree, and a third small one gives it back.
	requirePicture(t, `total 184`, p)

	batch.Groups = append(batch.Groups, crowd(9, "d", "77"))
	p = Cut(installs, DefaultSettings(), batch)
	require.NoError(t, p.check(20, 5, batch.Installs()))
	requirePicture(t, `
		a/39/239/5239   40
		a/39/239/other  22
		a/39/other      37
		a/c7            30
		a/other         23
		other           41`, p)
}

func TestCut(t *testing.T) {
	t.Parallel()
	first := crowd(30, "a", "5239")
	first.ShortForm = ShortFirst
	for _, c := range []struct {
		name    string
		depth   int
		groups  []Counted
		want    string
		carried int
	}{
		{name: "nothing", depth: 4},
		{name: "below k", depth: 4, groups: []Counted{crowd(10, "a", "39"), crowd(9, "b", "39")}, carried: 19},
		{name: "k", depth: 4, groups: []Counted{crowd(20, "a", "39")}, want: "a/39/withheld 20"},
		{name: "one source to the bottom", depth: 4, groups: []Counted{crowd(20, "a", "5239")}, want: "a/39/239/5239 20"},
		{name: "short form first", depth: 4, groups: []Counted{first}, want: "a/52/523/5239 30"},
		{name: "depth 3", depth: 3, groups: []Counted{crowd(20, "a", "5239"), crowd(20, "a", "39")}, want: "a/39/239 20\na/39/withheld 20"},
		{name: "depth 2", depth: 2, groups: []Counted{crowd(5, "a", "5239"), crowd(20, "a", "39")}, want: "a/39 25"},
		{name: "leading zeros", depth: 4, groups: []Counted{crowd(20, "a", "0001")}, want: "a/01/001/0001 20"},
		{name: "campaign 39 is not source 39", depth: 2, groups: []Counted{campaign(20, "a", "39"), crowd(20, "a", "39")}, want: "a/39 20\na/c39 20"},
		{name: "two networks, no other", depth: 2, groups: []Counted{crowd(20, "a", "39"), crowd(20, "b", "39")}, want: "a/39 20\nb/39 20"},
		{name: "other absorbs the smallest", depth: 2, groups: []Counted{crowd(30, "a", "11"), crowd(25, "a", "12"), crowd(1, "a", "13")}, want: "a/11 30\na/other 26"},
		{name: "ties go together", depth: 2, groups: []Counted{crowd(25, "a", "12"), crowd(25, "a", "11"), crowd(1, "a", "13")}, want: "a 51"},
		{name: "nothing is left: the parent", depth: 2, groups: []Counted{crowd(25, "a", "11"), crowd(1, "a", "13")}, want: "a 26"},
		{name: "only small ones: the parent", depth: 2, groups: []Counted{crowd(19, "a", "11"), crowd(19, "a", "13")}, want: "a 38"},
		{name: "other of networks, outside its largest", depth: 2, groups: []Counted{
			crowd(50, "a", "11"), crowd(19, "b", "11"), crowd(19, "c", "11"), crowd(1, "d", "11"),
		}, want: "a/11 50\nother 39"},
		{name: "other of networks, not enough outside", depth: 2, groups: []Counted{
			crowd(50, "a", "11"), crowd(40, "e", "11"), crowd(19, "b", "11"), crowd(19, "c", "11"),
		}, want: "a/11 50\nother 78"},
		{name: "a source that is none", depth: 4, groups: []Counted{crowd(20, "a", "4x"), campaign(20, "a", "1234")}, want: "a/withheld 40"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := DefaultSettings()
			s.Depth = c.depth
			b := Batch{Groups: c.groups}
			p := Cut(installs, s, b)
			require.NoError(t, p.check(s.K, s.B, b.Installs()))
			requirePicture(t, c.want, p)
			require.Equal(t, c.carried, p.Carried)
		})
	}
}

func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	a, b := Row{Level: LevelNetwork, NetworkID: "a", Installs: 20}, Row{Level: LevelNetwork, NetworkID: "b", Installs: 19}
	require.NoError(t, Published{Rows: []Row{a}, Installs: 20}.check(20, 5, 20))
	require.ErrorContains(t, Published{Rows: []Row{a, b}, Installs: 39}.check(20, 5, 39), "below k")
	require.ErrorContains(t, Published{Rows: []Row{a, a}, Installs: 40}.check(20, 5, 40), "twice")
	require.ErrorContains(t, Published{Rows: []Row{a}, Installs: 20}.check(20, 5, 21), "not the 21 counted")
}
