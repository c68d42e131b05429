package conversion_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/conversion"
)

const (
	day     = 24 * time.Hour
	oneIDFA = "6F9619FF-8B86-D011-B42D-00CF4FC964FF"
	noIDFA  = "00000000-0000-0000-0000-000000000000"
)

// tracked is an install that names c1 and may be matched by idfa.
func tracked(change func(*conversion.Install)) *conversion.Install {
	in := &conversion.Install{ID: "i1", AppID: 1, Time: noon, ClickID: "c1", IDFA: oneIDFA, ATTStatus: "authorized"}
	if change != nil {
		change(in)
	}
	return in
}

func touch(id string, ago time.Duration, change ...func(*conversion.Touch)) conversion.Touch {
	t := conversion.Touch{ID: id, NetworkID: "Ads.example", CampaignID: "k-" + id, Interaction: "click", Time: noon.Add(-ago)}
	for _, f := range change {
		f(&t)
	}
	return t
}

func view(t *conversion.Touch) { t.Interaction = "view" }

func usedBy(install string) func(*conversion.Touch) {
	return func(t *conversion.Touch) { t.UsedBy = install }
}

// told is a decision in short: reason, winner, what was considered, flags.
func told(d conversion.Decision) string {
	s := d.Reason + " " + d.ClickID
	for _, c := range d.Considered {
		s += fmt.Sprintf(" %s:%s", c.ClickID, c.Verdict)
	}
	for _, f := range d.Flags {
		s += " !" + f
	}
	if d.ReengagedBy != "" {
		s += " back by " + d.ReengagedBy
	}
	return s
}

func TestDecide(t *testing.T) {
	t.Parallel()
	unnamed := func(in *conversion.Install) { in.ClickID = "" }
	known := &conversion.KnownDevice{InstallID: "i0", Time: noon.Add(-day)}
	one := func(t conversion.Touch) *conversion.Touch { return &t }
	for name, c := range map[string]struct {
		in      *conversion.Install
		named   *conversion.Touch
		matched []conversion.Touch
		known   *conversion.KnownDevice
		want    string
	}{
		"named click": {tracked(nil), one(touch("c1", time.Hour)), nil, nil, "click_id c1 c1:taken"},
		"named click before a later touch": {
			tracked(nil), one(touch("c1", 2*time.Hour)), []conversion.Touch{touch("c2", time.Hour), touch("c1", 2*time.Hour)}, nil,
			"click_id c1 c1:taken c2:click_id_first",
		},
		"named click unknown, last touch by idfa": {
			tracked(nil), nil, []conversion.Touch{touch("c2", 3*time.Hour), touch("c3", time.Hour), touch("c4", 2*time.Hour)}, nil,
			"idfa c3 c1:click_unknown c3:taken c4:earlier_touch c2:earlier_touch",
		},
		"named click used, touch by idfa": {
			tracked(nil), one(touch("c1", time.Hour, usedBy("i9"))), []conversion.Touch{touch("c2", 3*time.Hour)}, nil,
			"idfa c2 c1:click_already_used c2:taken !reused_click_id",
		},
		"named click outside, nothing else": {
			tracked(nil), one(touch("c1", 7*day+time.Millisecond)), nil, nil, "outside_window  c1:outside_window !after_window",
		},
		"a day's view": {tracked(nil), one(touch("c1", day, view)), nil, nil, "click_id c1 c1:taken"},
		"a view too old": {
			tracked(nil), one(touch("c1", day+time.Millisecond, view)), nil, nil, "outside_window  c1:outside_window !after_window",
		},
		"named click after the install": {
			tracked(nil), one(touch("c1", -time.Millisecond)), nil, nil, "click_after_install  c1:click_after_install",
		},
		"within a millisecond is the same moment": {
			tracked(nil), one(touch("c1", -time.Microsecond)), nil, nil, "click_id c1 c1:taken !click_to_install_under_10s",
		},
		"used by this very install":      {tracked(nil), one(touch("c1", time.Hour, usedBy("i1"))), nil, nil, "click_id c1 c1:taken"},
		"nothing named, nothing matched": {tracked(unnamed), nil, nil, nil, "no_touch "},
		"touches that do not fit": {
			tracked(unnamed), nil,
			[]conversion.Touch{touch("c2", 8*day), touch("c3", -time.Hour), touch("c4", time.Hour, usedBy("i9")), touch("c5", 2*day, view)}, nil,
			"no_touch  c3:click_after_install c4:click_already_used c5:outside_window c2:outside_window",
		},
		"a tie: click before view, then by id": {
			tracked(unnamed), nil, []conversion.Touch{touch("a", time.Hour, view), touch("c", time.Hour), touch("b", time.Hour)}, nil,
			"idfa b b:taken c:earlier_touch a:earlier_touch",
		},
		"denied": {
			tracked(func(in *conversion.Install) { in.ClickID, in.ATTStatus = "", "denied" }), nil,
			[]conversion.Touch{touch("c2", time.Hour)}, nil, "no_click_id ",
		},
		"limited": {
			tracked(func(in *conversion.Install) { in.ClickID, in.Limited = "", true }), nil,
			[]conversion.Touch{touch("c2", time.Hour)}, nil, "no_click_id ",
		},
		"zeros are no idfa": {
			tracked(func(in *conversion.Install) { in.ClickID, in.IDFA = "", noIDFA }), nil,
			[]conversion.Touch{touch("c2", time.Hour)}, nil, "no_click_id ",
		},
		"reinstall": {
			tracked(func(in *conversion.Install) { in.Reinstall = true }), one(touch("c1", time.Hour)), nil, known,
			"reinstall  c1:reinstall back by c1",
		},
		"known device": {
			tracked(nil), nil, []conversion.Touch{touch("c2", time.Hour), touch("c3", 2*time.Hour)}, known,
			"known_device  c1:click_unknown c2:known_device c3:earlier_touch !duplicate back by c2",
		},
		"known device without a touch": {tracked(unnamed), nil, nil, known, "known_device  !duplicate"},
		"known later": {
			tracked(nil), one(touch("c1", time.Hour)), nil,
			&conversion.KnownDevice{InstallID: "i0", Time: noon.Add(time.Second)}, "click_id c1 c1:taken",
		},
		"known by itself": {
			tracked(nil), one(touch("c1", time.Hour)), nil, &conversion.KnownDevice{InstallID: "i1", Time: noon}, "click_id c1 c1:taken",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := conversion.Decide(c.in, c.named, c.matched, nil, c.known)
			require.Equal(t, c.want, told(d))
			require.Equal(t, d.ClickID != "", d.Attributed)
			if d.Attributed {
				require.Equal(t, "attributed ads.example "+d.Reason, d.Name()+" "+d.NetworkID+" "+d.Method)
				require.Equal(t, "k-"+d.ClickID, d.CampaignID)
				require.NotEmpty(t, d.Interaction)
				require.False(t, d.TouchTime.IsZero())
			} else {
				require.Equal(t, "organic", d.Name()+d.NetworkID+d.Method+d.CampaignID+d.Interaction)
			}
		})
	}
}

// TestDecideAsksEachNetworksWindows: two networks, one install, a touch of each.
func TestDecideAsksEachNetworksWindows(t *testing.T) {
	t.Parallel()
	windows := func(network string) conversion.Windows {
		require.Contains(t, []string{"ads.example", "other"}, network, "in lower case")
		if network == "other" {
			return conversion.Windows{Click: 30 * day, View: time.Hour}
		}
		return conversion.Windows{Click: time.Hour, View: time.Minute}
	}
	other := func(t *conversion.Touch) { t.NetworkID = "Other" }
	in := tracked(func(in *conversion.Install) { in.ClickID = "" })
	for _, c := range []struct {
		touch conversion.Touch
		fits  bool
	}{
		{touch("c", time.Hour), true},
		{touch("c", time.Hour+time.Millisecond), false},
		{touch("c", time.Minute, view), true},
		{touch("c", time.Minute+time.Millisecond, view), false},
		{touch("c", 30*day, other), true},
		{touch("c", 30*day+time.Millisecond, other), false},
		{touch("c", time.Hour, other, view), true},
		{touch("c", time.Hour+time.Millisecond, other, view), false},
	} {
		require.Equal(t, c.fits, conversion.Decide(in, nil, []conversion.Touch{c.touch}, windows, nil).Attributed, "%+v", c.touch)
		named := tracked(func(in *conversion.Install) { in.ClickID = "c" })
		require.Equal(t, c.fits, conversion.Decide(named, &c.touch, nil, windows, nil).Attributed, "%+v", c.touch)
	}
}

// drawCase draws an install with touches that collide in time, network and use.
func drawCase(rng *rand.Rand) (*conversion.Install, *conversion.Touch, []conversion.Touch, *conversion.KnownDevice) {
	draw := func(i int) conversion.Touch {
		t := touch(fmt.Sprintf("t%d", i), time.Duration(rng.IntN(10)-1)*day, func(t *conversion.Touch) {
			t.NetworkID = []string{"a", "B"}[rng.IntN(2)]
			t.Interaction = []string{"", "click", "view"}[rng.IntN(3)]
			t.UsedBy = []string{"", "", "i1", "i9"}[rng.IntN(4)]
		})
		return t
	}
	matched := make([]conversion.Touch, rng.IntN(6))
	for i := range matched {
		matched[i] = draw(i)
	}
	in := tracked(func(in *conversion.Install) {
		in.ATTStatus = []string{"authorized", "authorized", "authorized", "denied", ""}[rng.IntN(5)]
		in.Reinstall, in.Limited = rng.IntN(6) == 0, rng.IntN(6) == 0
	})
	var named *conversion.Touch
	switch rng.IntN(4) {
	case 0:
		in.ClickID = ""
	case 1: // unknown
	case 2:
		t := draw(9)
		in.ClickID, named = t.ID, &t
	default: // the named click has the idfa too
		if len(matched) > 0 {
			t := matched[rng.IntN(len(matched))]
			in.ClickID, named = t.ID, &t
		}
	}
	var known *conversion.KnownDevice
	if rng.IntN(5) == 0 {
		known = &conversion.KnownDevice{InstallID: "i0", Time: noon.Add(time.Duration(rng.IntN(3)-2) * day)}
	}
	return in, named, matched, known
}

// TestDecideHoldsItsRules on drawn cases: what wins may win, what does not win has
// its reason, and neither the order of the touches nor one more that can't win counts.
func TestDecideHoldsItsRules(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	for seed := range uint64(20_000) {
		rng := rand.New(rand.NewPCG(seed, 6))
		in, named, matched, known := drawCase(rng)
		before := slices.Clone(matched)
		d := conversion.Decide(in, named, matched, nil, known)
		require.Equal(t, before, matched, "the caller's touches stay as they are")
		seen[d.Reason]++

		rng.Shuffle(len(matched), func(i, j int) { matched[i], matched[j] = matched[j], matched[i] })
		require.Equal(t, d, conversion.Decide(in, named, matched, nil, known), "seed %d", seed)
		spent := append(matched, touch("spent", 0, usedBy("i9")))
		require.Equal(t, d.ClickID, conversion.Decide(in, named, spent, nil, known).ClickID, "seed %d", seed)

		taken := 0
		for _, c := range d.Considered {
			if c.Verdict == conversion.VerdictTaken {
				require.Equal(t, d.ClickID, c.ClickID)
				require.LessOrEqual(t, c.Time, in.Time)
				taken++
			}
		}
		require.Equal(t, map[bool]int{true: 1}[d.Attributed], taken, "seed %d", seed)
		if d.Attributed {
			require.False(t, in.Reinstall)
			require.True(t, d.Method == "click_id" && d.ClickID == in.ClickID || d.Method == "idfa" && in.ATTStatus == "authorized" && !in.Limited)
		}
		if in.ATTStatus != "authorized" || in.Limited {
			require.LessOrEqual(t, len(d.Considered), 1, "without consent only the named click is looked at")
		}
	}
	for _, reason := range []string{
		"click_id", "idfa", "no_click_id", "no_touch", "click_unknown", "click_already_used",
		"click_after_install", "outside_window", "reinstall", "known_device",
	} {
		require.Positive(t, seen[reason], reason)
	}
}
