package conversion_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/schema"
	"skand/skan"
)

// version n takes effect at noon plus from hours; locks are hours into windows 0,
// 1 and 2, 0 for none.
func version(n int, from float64, locks ...int) conversion.SchemaVersion {
	d := &schema.Document{}
	for i := range 3 {
		w := schema.Window{Index: i}
		if i < len(locks) && locks[i] > 0 {
			w.Lock = &schema.Lock{On: schema.LockTime, Number: locks[i]}
		}
		d.Windows = append(d.Windows, w)
	}
	return conversion.SchemaVersion{Version: n, EffectiveFrom: hoursOn(from), Document: d}
}

func hoursOn(h float64) time.Time { return noon.Add(time.Duration(h * float64(time.Hour))) }

// bound prints the version and flags of an arrival.
func bound(versions []conversion.SchemaVersion, p *conversion.Pending, at time.Time) string {
	p.ReceivedAt = at
	v, flags := conversion.Bind(versions, p)
	if v == nil {
		return "none"
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", v.Version, strings.Join(flags, " ")))
}

// Each bound of "Versions, effective time, ambiguity", exactly at it and a
// millisecond beside it, for every row of the table of graces.
func TestBindBounds(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for name, c := range map[string]struct {
		version string
		index   int
		locks   [2][]int // of versions 1 and 2
		grace   float64
		guess   float64 // hours before the arrival at which the value was set
	}{
		"3.0":                 {"3.0", 0, [2][]int{}, 48, 36},
		"3.0 knows no lock":   {"3.0", 0, [2][]int{{12}, {12}}, 48, 36},
		"index 0":             {"4.0", 0, [2][]int{}, 96, 36},
		"index 0 locks":       {"4.0", 0, [2][]int{{12}, {24}}, 24 + 48, 36},
		"index 0, lost lock":  {"4.0", 0, [2][]int{{12}, {}}, 96, 36},
		"index 0, new lock":   {"4.0", 0, [2][]int{{}, {12}}, 96, 36},
		"index 0, late lock":  {"4.0", 0, [2][]int{{60}, {60}}, 96, 36},
		"index 1":             {"4.0", 1, [2][]int{{12}, {12}}, 264, 84},
		"index 1 locks":       {"4.0", 1, [2][]int{{0, 48}, {0, 24}}, 48 + 144, 84},
		"index 2":             {"", 2, [2][]int{}, 816, 84},
		"index 2 locks":       {"", 2, [2][]int{{0, 0, 100}, {0, 0, 100}}, 100 + 144, 84},
		"AdAttributionKit":    {"", 0, [2][]int{}, 96, 36},
		"AdAttributionKit, 1": {"", 1, [2][]int{}, 264, 84},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := pending(func(p *conversion.Pending) { p.Version, p.Index = c.version, c.index })
			if c.version == "" {
				p.Framework = skan.AdAttributionKit
			}
			versions := []conversion.SchemaVersion{version(1, -9000, c.locks[0]...), version(2, 0, c.locks[1]...)}
			require.Equal(t, "1", bound(versions, p, hoursOn(-9000)), "the first binds everything earlier")
			require.Equal(t, "1", bound(versions, p, hoursOn(24)))
			require.Equal(t, "1 ambiguous", bound(versions, p, hoursOn(24).Add(ms)))
			require.Equal(t, "1 ambiguous", bound(versions, p, hoursOn(c.guess).Add(-ms)))
			require.Equal(t, "2 ambiguous", bound(versions, p, hoursOn(c.guess)))
			settled := hoursOn(24 + c.grace)
			require.Equal(t, "2 ambiguous", bound(versions, p, settled.Add(-ms)))
			require.Equal(t, "2 retry_possible", bound(versions, p, settled))
			require.Equal(t, "2 retry_possible", bound(versions, p, settled.Add(216*time.Hour-ms)))
			require.Equal(t, "2", bound(versions, p, settled.Add(216*time.Hour)))
		})
	}
}

func TestBindOfFewVersions(t *testing.T) {
	t.Parallel()
	p := pending(func(*conversion.Pending) {})
	require.Equal(t, "none", bound(nil, p, noon))
	only := []conversion.SchemaVersion{version(1, 0)}
	for _, h := range []float64{-1000, 0, 25, 9000} {
		require.Equal(t, "1", bound(only, p, hoursOn(h)), "one version is never ambiguous")
	}
}

// Three versions in one day: each earlier one has its own end.
func TestBindOfManyVersions(t *testing.T) {
	t.Parallel()
	p := pending(func(p *conversion.Pending) { p.Index = 1 })
	close3 := []conversion.SchemaVersion{version(1, -9000), version(2, 0, 0, 24), version(3, 6, 0, 24)}
	require.Equal(t, "1", bound(close3, p, hoursOn(24)))
	require.Equal(t, "1 ambiguous", bound(close3, p, hoursOn(30)), "version 3 was on no phone yet")
	require.Equal(t, "2 ambiguous", bound(close3, p, hoursOn(84)))
	require.Equal(t, "3 ambiguous", bound(close3, p, hoursOn(90)))
	require.Equal(t, "3 ambiguous", bound(close3, p, hoursOn(24+264-1)), "set under version 1, which had no lock")
	require.Equal(t, "3 retry_possible", bound(close3, p, hoursOn(24+264)))
	require.Equal(t, "3", bound(close3, p, hoursOn(24+264+216)))

	apart := []conversion.SchemaVersion{version(1, -9000), version(2, 0, 0, 24), version(3, 2000, 0, 24)}
	require.Equal(t, "3 retry_possible", bound(apart, p, hoursOn(2000+24+24+144)), "version 1 is long gone")
}

// A phone in Developer Mode posts within minutes.
func TestBindOfDevelopmentPostbacks(t *testing.T) {
	t.Parallel()
	p := pending(func(p *conversion.Pending) { p.Environment = skan.Development })
	versions := []conversion.SchemaVersion{version(1, -9000), version(2, 0), version(3, 10)}
	for h, want := range map[float64]string{-9999: "1", -1: "1", 0: "2", 9: "2", 10: "3", 20: "3"} {
		require.Equal(t, want, bound(versions, p, hoursOn(h)))
	}
}

// A relay adds its delay to the bounds from which the newer version counts, and to
// none of the others.
func TestBindOfRelayedPostbacks(t *testing.T) {
	t.Parallel()
	const ms, delay = time.Millisecond, 50 * time.Hour
	versions := []conversion.SchemaVersion{version(1, -9000), version(2, 0)}
	p := pending(func(p *conversion.Pending) { p.Source, p.RelayDelay = conversion.Relay, delay })
	require.Equal(t, "1", bound(versions, p, hoursOn(24)))
	require.Equal(t, "1 ambiguous", bound(versions, p, hoursOn(24).Add(ms)))
	require.Equal(t, "2 ambiguous", bound(versions, p, hoursOn(36)))
	require.Equal(t, "2 ambiguous", bound(versions, p, hoursOn(120).Add(delay-ms)))
	require.Equal(t, "2 retry_possible", bound(versions, p, hoursOn(120).Add(delay)))
	require.Equal(t, "2 retry_possible", bound(versions, p, hoursOn(336).Add(delay-ms)))
	require.Equal(t, "2", bound(versions, p, hoursOn(336).Add(delay)))

	p.Environment = skan.Development
	require.Equal(t, "1", bound(versions, p, hoursOn(0).Add(-ms)))
	require.Equal(t, "2 ambiguous", bound(versions, p, hoursOn(0)))
	require.Equal(t, "2 ambiguous", bound(versions, p, hoursOn(0).Add(delay-ms)))
	require.Equal(t, "2", bound(versions, p, hoursOn(0).Add(delay)))
}
