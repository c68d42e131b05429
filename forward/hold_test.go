package forward

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestHoldOfWhatLooksLikeFraud(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	d := Destination{ID: "d", AppID: 1, NetworkID: "n", Kinds: []string{KindInstall}, URL: "https://a.example/", Enabled: true,
		Hold: 24 * time.Hour, Delay: time.Minute}.WithDefaults()
	c := Conversion{Kind: KindInstall, DedupKey: "install/i", AppID: 1, NetworkID: "n", OccurredAt: now, Fields: map[string]string{},
		Flags: []string{"click_to_install_under_10s", "reused_click_id"}}
	route := func(change func(*Conversion, *Destination)) []Delivery {
		c, d := c, d
		change(&c, &d)
		return Route(c, []Destination{d}, now)
	}
	for name, test := range map[string]struct {
		change func(*Conversion, *Destination)
		due    time.Duration
		reason string
	}{
		"flagged":               {func(*Conversion, *Destination) {}, 24 * time.Hour, "click_to_install_under_10s,reused_click_id"},
		"not flagged":           {func(c *Conversion, _ *Destination) { c.Flags = nil }, time.Minute, ""},
		"released":              {func(c *Conversion, _ *Destination) { c.Review = "released" }, time.Minute, ""},
		"no hold":               {func(_ *Conversion, d *Destination) { d.Hold = 0 }, time.Minute, ""},
		"shorter than delay":    {func(_ *Conversion, d *Destination) { d.Hold = time.Second }, time.Minute, ""},
		"would expire":          {func(c *Conversion, _ *Destination) { c.OccurredAt = now.Add(-6*24*time.Hour - 12*time.Hour) }, 11 * time.Hour, "click_to_install_under_10s,reused_click_id"},
		"expires while we talk": {func(c *Conversion, _ *Destination) { c.OccurredAt = now.Add(-7*24*time.Hour + time.Minute) }, time.Minute, ""},
	} {
		got := route(test.change)
		require.Len(t, got, 1, name)
		require.Equal(t, now.Add(test.due), got[0].DueAt, name)
		require.Equal(t, test.reason, got[0].HoldReason, name)
		require.True(t, got[0].HoldReason == "" || got[0].DueAt.Before(got[0].ExpiresAt), "%s: held beyond its life", name)
	}
	require.Empty(t, route(func(c *Conversion, _ *Destination) { c.Review = ReviewRejected }))
}

func TestHoldLeavesTimeToSend(t *testing.T) {
	t.Parallel()
	d := Destination{ID: "d", AppID: 1, NetworkID: "n", Kinds: []string{KindInstall}, URL: "https://a.example/", Enabled: true}.WithDefaults()
	for hold, want := range map[time.Duration]string{
		0: "", 24 * time.Hour: "", 7*24*time.Hour - time.Hour: "",
		7 * 24 * time.Hour: "leave an hour", 31 * 24 * time.Hour: "between 0s and 30d", -time.Second: "between 0s and 30d",
	} {
		d.Hold = hold
		err := d.Validate(nil)
		if want == "" {
			require.NoError(t, err, hold)
			continue
		}
		require.ErrorContains(t, err, "hold: ", hold)
		require.ErrorContains(t, err, want, hold)
	}
}
