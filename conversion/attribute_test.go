package conversion_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/conversion"
)

var noon = time.Date(2026, 11, 16, 12, 0, 0, 0, time.UTC)

func TestAttribute(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	install := conversion.Install{ID: "i1", AppID: 1, Time: noon, ClickID: "c1"}
	touch := func(ago time.Duration, kind, usedBy string) *conversion.Touch {
		return &conversion.Touch{ID: "c1", NetworkID: "n", Interaction: kind, Time: noon.Add(-ago), UsedBy: usedBy}
	}
	for name, c := range map[string]struct {
		install conversion.Install
		touch   *conversion.Touch
		want    string
	}{
		"click":                {install, touch(time.Hour, "click", ""), "click_id"},
		"no word is click":     {install, touch(7*day, "", ""), "click_id"},
		"at the same moment":   {install, touch(0, "click", ""), "click_id"},
		"click, last moment":   {install, touch(7*day, "click", ""), "click_id"},
		"click, a moment late": {install, touch(7*day+time.Millisecond, "click", ""), "outside_window"},
		"view, last moment":    {install, touch(day, "view", ""), "click_id"},
		"view, a moment late":  {install, touch(day+time.Millisecond, "view", ""), "outside_window"},
		"after the install":    {install, touch(-time.Millisecond, "click", ""), "click_after_install"},
		"used by itself":       {install, touch(time.Hour, "click", "i1"), "click_id"},
		"used by another":      {install, touch(time.Hour, "click", "i2"), "click_already_used"},
		"not known yet":        {install, nil, "click_unknown"},
		"no click":             {conversion.Install{ID: "i1", Time: noon}, nil, "no_click_id"},
		"reinstall": {
			conversion.Install{ID: "i1", Time: noon, ClickID: "c1", Reinstall: true}, touch(time.Hour, "click", ""), "reinstall",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := conversion.Attribute(&c.install, c.touch, conversion.DefaultWindows())
			require.Equal(t, c.want, d.Reason)
			require.Equal(t, c.want == "click_id", d.Attributed)
			require.Equal(t, c.install.ClickID, d.ClickID)
			if d.Attributed {
				require.Equal(t, "n attributed", d.NetworkID+" "+d.Name())
			} else {
				require.Equal(t, " organic", d.NetworkID+" "+d.Name())
			}
		})
	}
}

func TestAttributeTakesTheWindowsItIsGiven(t *testing.T) {
	t.Parallel()
	in := &conversion.Install{ID: "i1", Time: noon, ClickID: "c1"}
	w := conversion.Windows{Click: time.Hour, View: time.Minute}
	for interaction, within := range map[string]time.Duration{"click": time.Hour, "view": time.Minute} {
		touch := &conversion.Touch{ID: "c1", Interaction: interaction, Time: noon.Add(-within)}
		require.True(t, conversion.Attribute(in, touch, w).Attributed)
		touch.Time = touch.Time.Add(-time.Millisecond)
		require.False(t, conversion.Attribute(in, touch, w).Attributed)
	}
}
