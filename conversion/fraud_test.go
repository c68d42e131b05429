package conversion_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/conversion"
)

func TestFraudFlags(t *testing.T) {
	t.Parallel()
	known := &conversion.KnownDevice{InstallID: "i0", Time: noon.Add(-day)}
	for name, c := range map[string]struct {
		touch     conversion.Touch
		reinstall bool
		known     *conversion.KnownDevice
		want      []string
	}{
		"ten seconds are possible":   {touch: touch("c1", 10*time.Second)},
		"less is not":                {touch: touch("c1", 10*time.Second-time.Millisecond), want: []string{"click_to_install_under_10s"}},
		"no word is click":           {touch: touch("c1", 0, func(t *conversion.Touch) { t.Interaction = "" }), want: []string{"click_to_install_under_10s"}},
		"a view may be that close":   {touch: touch("c1", time.Second, view)},
		"reused":                     {touch: touch("c1", time.Second, usedBy("i9")), want: []string{"reused_click_id"}},
		"its own":                    {touch: touch("c1", time.Hour, usedBy("i1"))},
		"too late":                   {touch: touch("c1", 8*day), want: []string{"after_window"}},
		"of the future":              {touch: touch("c1", -day)},
		"known device":               {touch: touch("c1", time.Hour), known: known, want: []string{"duplicate"}},
		"known device, fast":         {touch: touch("c1", time.Second), known: known, want: []string{"duplicate"}},
		"known device, reused":       {touch: touch("c1", time.Hour, usedBy("i9")), known: known, want: []string{"reused_click_id", "duplicate"}},
		"an honest reinstall":        {touch: touch("c1", time.Hour), reinstall: true, known: known},
		"a reinstall, a click again": {touch: touch("c1", time.Hour, usedBy("i9")), reinstall: true, want: []string{"reused_click_id"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := tracked(func(in *conversion.Install) { in.Reinstall = c.reinstall })
			d := conversion.Decide(in, &c.touch, nil, nil, c.known)
			require.Equal(t, c.want, d.Flags)
			without := tracked(func(in *conversion.Install) { in.Reinstall, in.IDFA = c.reinstall, "" })
			require.Equal(t, d.Reason, conversion.Decide(without, &c.touch, nil, nil, c.known).Reason)
		})
	}
}

// TestFastInstallByIDFA: the touch that won counts, however it was found; a named
// click that could not win is flagged beside it.
func TestFastInstallByIDFA(t *testing.T) {
	t.Parallel()
	reused := touch("c1", time.Hour, usedBy("i9"))
	d := conversion.Decide(tracked(nil), &reused, []conversion.Touch{touch("c2", time.Second)}, nil, nil)
	require.Equal(t, "idfa c2", d.Method+" "+d.ClickID)
	require.Equal(t, []string{"click_to_install_under_10s", "reused_click_id"}, d.Flags)
}
