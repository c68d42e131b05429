package conversion_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/skan"
)

func back(hours int) time.Time { return noon.Add(-time.Duration(hours) * time.Hour) }

// Each row of the table "Estimated first launch".
func TestEstimateLaunch(t *testing.T) {
	t.Parallel()
	const days65 = 65 * 24
	for _, c := range []struct {
		version            string // "" is AdAttributionKit
		index              int
		fine               *int
		lock               int
		point, first, last int // hours before the arrival
	}{
		{"3.0", 0, ptr(1), 0, 48, 3 * 24, 24},
		{"2.2", 0, ptr(12), 0, 48, 14 * 24, 24},
		{"2.0", 0, ptr(63), 0, 48, days65, 24},
		{"1.0", 0, ptr(0), 0, 36, 48, 24},
		{"1.0", 0, nil, 0, 48, days65, 24},
		{"3.0", 0, ptr(12), 24, 48, 14 * 24, 24}, // no locks there
		{"4.0", 0, ptr(63), 0, 84, 96, 24},
		{"", 0, nil, 0, 84, 96, 24},
		{"4.0", 1, nil, 0, 252, 312, 72},
		{"", 2, nil, 0, 924, 984, 192},
		{"4.0", 0, ptr(0), 12, 12 + 36, 96, 24},
		{"4.0", 0, ptr(0), 48, 84, 96, 24}, // a lock at the end is no lock
		{"4.0", 1, nil, 24, 48 + 24 + 84, 312, 72},
		{"4.0", 1, nil, 120, 252, 312, 72},
		{"", 2, nil, 48, 168 + 48 + 84, 984, 192},
	} {
		framework := skan.SKAdNetwork
		if c.version == "" {
			framework = skan.AdAttributionKit
		}
		got := conversion.EstimateLaunch(noon, framework, c.version, c.index, c.fine, c.lock)
		want := conversion.Launch{Point: back(c.point), From: back(c.first), To: back(c.last)}
		require.Equal(t, want, got, fmt.Sprint(c))
		require.False(t, got.Point.Before(got.From) || got.Point.After(got.To), "the point is within its bounds: %v", c)
	}
}

// A relay that takes up to three days moves the earliest launch, and nothing else.
func TestLaunchOfRelayedPostbacks(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"3.0", "4.0"} {
		direct := pending(func(p *conversion.Pending) { p.Version, p.Fine = name, ptr(4) })
		late := pending(func(p *conversion.Pending) {
			p.Version, p.Fine, p.Source, p.RelayDelay = name, ptr(4), conversion.Relay, 72*time.Hour
		})
		want := conversion.Decode(direct, nil, noon).Launch
		want.From = want.From.Add(-72 * time.Hour)
		require.Equal(t, want, conversion.Decode(late, nil, noon).Launch)
	}
}
