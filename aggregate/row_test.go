package aggregate

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRowKey(t *testing.T) {
	t.Parallel()
	const n = "example.skadnetwork"
	keys := map[string]Row{
		"total":                               {Level: LevelTotal},
		"other":                               {Level: LevelOther},
		"example.skadnetwork":                 {Level: LevelNetwork, NetworkID: n},
		"example.skadnetwork/other":           {Level: LevelOther, NetworkID: n},
		"example.skadnetwork/withheld":        {Level: LevelWithheld, NetworkID: n},
		"example.skadnetwork/39":              {Level: LevelSrc2, NetworkID: n, IDKind: IDSource, Source2: "39"},
		"example.skadnetwork/c39":             {Level: LevelSrc2, NetworkID: n, IDKind: IDCampaign, Source2: "39"},
		"example.skadnetwork/39/withheld":     {Level: LevelWithheld, NetworkID: n, IDKind: IDSource, Source2: "39"},
		"example.skadnetwork/39/other":        {Level: LevelOther, NetworkID: n, IDKind: IDSource, Source2: "39"},
		"example.skadnetwork/39/239":          {Level: LevelSrc3, NetworkID: n, IDKind: IDSource, Source2: "39", Source3: "239"},
		"example.skadnetwork/39/239/withheld": {Level: LevelWithheld, NetworkID: n, IDKind: IDSource, Source2: "39", Source3: "239"},
		"example.skadnetwork/39/239/5239":     {Level: LevelSrc4, NetworkID: n, IDKind: IDSource, Source2: "39", Source3: "239", Source4: "5239"},
		// Networks that call themselves like something else.
		"%other":           {Level: LevelNetwork, NetworkID: "other"},
		"%total":           {Level: LevelNetwork, NetworkID: "total"},
		"%25other":         {Level: LevelNetwork, NetworkID: "%other"},
		"a.example%2F39":   {Level: LevelNetwork, NetworkID: "a.example/39"},
		"%other/other":     {Level: LevelOther, NetworkID: "other"},
		"a%2Fother/c1":     {Level: LevelSrc2, NetworkID: "a/other", IDKind: IDCampaign, Source2: "1"},
		"com.example/c100": {Level: LevelSrc2, NetworkID: "com.example", IDKind: IDCampaign, Source2: "100"},
	}
	for want, row := range keys {
		require.Equal(t, want, row.Key())
	}
}

func TestForNetworkReader(t *testing.T) {
	t.Parallel()
	own := Row{Level: LevelSrc2, NetworkID: "a", IDKind: IDSource, Source2: "39"}
	require.True(t, own.ForNetworkReader("a"))
	require.False(t, own.ForNetworkReader("b"))
	for _, row := range []Row{{Level: LevelTotal}, {Level: LevelOther}, {Level: LevelOther, NetworkID: "a"}} {
		require.False(t, row.ForNetworkReader("a"), row.Key())
		require.False(t, row.ForNetworkReader(""), row.Key())
	}
}
