package store

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/apply"
)

func versionBundle(t *testing.T, url, more string) *apply.Bundle {
	t.Helper()
	b, err := apply.Parse([]byte(fmt.Sprintf(`
apps: [{app_id: %d}]
networks: [{network_id: n}]
destinations:
  - {id: v, app_id: %d, network_id: n, kinds: [install], url: %q%s}`, testApp, testApp, url, more)))
	require.NoError(t, err)
	return b
}

func TestDestinationVersions(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		apply := func(url, more string) []Change {
			changes, err := in.s.Apply(as(t, "ann", "admin"), versionBundle(t, url, more), "test", false)
			require.NoError(t, err)
			return changes
		}
		apply("https://a.example/?c={click_id}", "")
		in.now.Advance(time.Hour)
		apply("https://a.example/?c={click_id}", "") // the same is no version
		apply("https://b.example/?c={click_id}", "")
		list, next, err := in.s.DestinationVersions(t.Context(), "v", "", 1)
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.Equal(t, 2, list[0].Version)
		require.True(t, list[0].Current)
		require.Equal(t, "ann", list[0].SavedBy)
		list, next, err = in.s.DestinationVersions(t.Context(), "v", next, 1)
		require.NoError(t, err)
		require.Empty(t, next)
		require.Equal(t, 1, list[0].Version)
		require.False(t, list[0].Current)
		require.Contains(t, string(list[0].Definition), "https://a.example/")

		back, changed, err := in.s.RollBackDestination(as(t, "bob", "operator"), "v", 1)
		require.NoError(t, err)
		require.True(t, changed)
		require.Equal(t, 3, back.Version)
		require.Equal(t, 1, back.RolledBackFrom)
		require.Equal(t, "bob", back.SavedBy)
		require.JSONEq(t, string(list[0].Definition), string(back.Definition))
		require.Len(t, in.audited(AuditFilter{Action: ActDestinationRollBack, Who: "bob"}), 1)
		stored, err := in.s.Destinations(t.Context())
		require.NoError(t, err)
		require.Equal(t, 3, stored[0].TemplateVersion)
		require.Equal(t, "https://a.example/?c={click_id}", stored[0].Destination.URL)

		again, changed, err := in.s.RollBackDestination(as(t, "bob", "operator"), "v", 1)
		require.NoError(t, err)
		require.False(t, changed, "it is current")
		require.Equal(t, back, again)
		for version, want := range map[int]error{0: ErrNoDestinationVersion, 4: ErrNoDestinationVersion} {
			_, err := in.s.DestinationVersion(t.Context(), "v", version)
			require.ErrorIs(t, err, want)
			_, _, err = in.s.RollBackDestination(t.Context(), "v", version)
			require.ErrorIs(t, err, want)
		}
		one, err := in.s.DestinationVersion(t.Context(), "v", 2)
		require.NoError(t, err)
		require.True(t, json.Valid(one.Definition))
		for _, id := range []string{"none", "a\x00", "\xff"} {
			_, _, err = in.s.DestinationVersions(t.Context(), id, "", 10)
			require.ErrorIs(t, err, ErrNoDestination)
		}
		_, _, err = in.s.DestinationVersions(t.Context(), "v", "x", 10)
		require.ErrorIs(t, err, ErrCursor)
	})
}

func TestRollingBackToWhatIsNoLongerAllowed(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		b := versionBundle(t, "http://10.0.0.1/?c={click_id}", "")
		b.Forward = &apply.Forward{AllowPrivateCIDRs: []string{"10.0.0.0/8"}}
		_, err := in.s.Apply(t.Context(), b, "test", false)
		require.NoError(t, err)
		b = versionBundle(t, "https://a.example/?c={click_id}", "")
		b.Forward = &apply.Forward{}
		_, err = in.s.Apply(t.Context(), b, "test", false)
		require.NoError(t, err)
		_, _, err = in.s.RollBackDestination(t.Context(), "v", 1)
		var refused *apply.Refused
		require.ErrorAs(t, err, &refused)
		require.ErrorContains(t, err, "must be https")
		list, _, err := in.s.DestinationVersions(t.Context(), "v", "", 10)
		require.NoError(t, err)
		require.Len(t, list, 2, "nothing was saved")
	})
}

func TestApplyWarns(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		changes, err := in.s.Apply(t.Context(), versionBundle(t, "https://a.example/?c={click_id}&p={sk_payload}", ""), "test", true)
		require.NoError(t, err)
		var warned []string
		for _, c := range changes {
			if c.Action == ActionWarn {
				warned = append(warned, c.What+" "+c.Detail)
			}
		}
		require.Equal(t, []string{"destination v url: {sk_payload} has no value in kinds [install]; it has one in postback"}, warned)
	})
}
