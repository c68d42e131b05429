package forward

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAlerts(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)
	ago := now.Add(-time.Hour)
	bounds := DefaultThresholds()
	for name, c := range map[string]struct {
		s    Snapshot
		want []AlertKind
	}{
		"well":                  {Snapshot{Tally: Tally{Eligible: 100, Delivered: 98}}, nil},
		"failing":               {Snapshot{Failing: true, FailingSince: ago}, []AlertKind{AlertFailing}},
		"paused":                {Snapshot{Paused: "404", PausedSince: ago, Held: 12}, []AlertKind{AlertHeld}},
		"held":                  {Snapshot{Held: 1}, []AlertKind{AlertHeld}},
		"disabled":              {Snapshot{Disabled: "410"}, []AlertKind{AlertDisabled}},
		"no key":                {Snapshot{KeyMissing: "secret_env A is not set"}, []AlertKind{AlertKeyMissing}},
		"due for the bound":     {Snapshot{OldestDue: now.Add(-bounds.OldestDue)}, nil},
		"due for longer":        {Snapshot{OldestDue: now.Add(-bounds.OldestDue - time.Second)}, []AlertKind{AlertOldestDue}},
		"due later":             {Snapshot{OldestDue: now.Add(time.Hour)}, nil},
		"below the target":      {Snapshot{Tally: Tally{Eligible: 100, Delivered: 97}}, []AlertKind{AlertDeliveryRate}},
		"below it, but too few": {Snapshot{Tally: Tally{Eligible: 49}}, nil},
		"all of it":             {Snapshot{Failing: true, Disabled: "x", Held: 1, KeyMissing: "k", OldestDue: ago, Tally: Tally{Eligible: 50}}, []AlertKind{AlertDeliveryRate, AlertDisabled, AlertFailing, AlertHeld, AlertKeyMissing, AlertOldestDue}},
	} {
		c.s.DestinationID = "d"
		require.Empty(t, Alerts([]Snapshot{c.s}, bounds, now), "%s, but switched off", name)
		c.s.Enabled = true
		var kinds []AlertKind
		for _, a := range Alerts([]Snapshot{c.s}, bounds, now) {
			kinds = append(kinds, a.Kind)
			require.Equal(t, string(a.Kind)+"/d", a.ID)
			require.NotEmpty(t, a.Says)
			require.NotEmpty(t, a.Do)
			_, err := os.Stat(filepath.Join("..", "docs", filepath.FromSlash(a.Playbook)))
			require.NoError(t, err, "every alert has its page")
		}
		require.Equal(t, c.want, kinds, name)
	}
	one := Alerts([]Snapshot{{DestinationID: "b", Enabled: true, Held: 1, HeldSince: ago}, {DestinationID: "a", Enabled: true, Held: 2}}, bounds, now)
	require.Equal(t, []string{"held/a", "held/b"}, []string{one[0].ID, one[1].ID}, "in one order")
	require.Nil(t, one[0].Since, "not known")
	require.Equal(t, ago, *one[1].Since)
	require.Len(t, AlertKinds(), 6)
}
