package aggregate

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSettingsValidate(t *testing.T) {
	t.Parallel()
	require.NoError(t, DefaultSettings().Validate())
	for field, change := range map[string]func(*Settings){
		"k: 9":        func(s *Settings) { s.K = FloorK - 1 },
		"b: 2":        func(s *Settings) { s.B = FloorB - 1 },
		"b: 21":       func(s *Settings) { s.B = s.K + 1 },
		"depth: 1":    func(s *Settings) { s.Depth = 1 },
		"depth: 5":    func(s *Settings) { s.Depth = 5 },
		"window":      func(s *Settings) { s.Window = "month" },
		"revenue":     func(s *Settings) { s.Revenue = "" },
		"currency":    func(s *Settings) { s.Currency = "usd" },
		"seal_delay:": func(s *Settings) { s.SealDelay = -1 },
	} {
		s := DefaultSettings()
		change(&s)
		err := s.Validate()
		require.ErrorContains(t, err, field)
		require.NotContains(t, err.Error(), "\n")
	}
	for name, change := range map[string]func(*Settings){
		"floors":       func(s *Settings) { s.K, s.B, s.Depth = FloorK, FloorB, MinDepth },
		"b equals k":   func(s *Settings) { s.B = s.K },
		"daily banded": func(s *Settings) { s.Window, s.Revenue = Day, RevenueBanded },
		"no delay":     func(s *Settings) { s.SealDelay = 0 },
	} {
		s := DefaultSettings()
		change(&s)
		require.NoError(t, s.Validate(), name)
	}
}

func TestNextEffective(t *testing.T) {
	t.Parallel()
	week, day := DefaultSettings(), DefaultSettings()
	day.Window = Day
	wednesday := at(t, "2026-11-18T13:00:00Z")
	monday := at(t, "2026-11-23T00:00:00Z")
	thursday := at(t, "2026-11-19T00:00:00Z")
	require.Equal(t, monday, NextEffective(week, week, wednesday))
	require.Equal(t, monday, NextEffective(week, day, wednesday))
	require.Equal(t, monday, NextEffective(day, week, wednesday))
	require.Equal(t, thursday, NextEffective(day, day, wednesday))
	// A window that begins now has begun.
	require.Equal(t, monday.AddDate(0, 0, 7), NextEffective(week, day, monday))
	require.Equal(t, monday.AddDate(0, 0, 1), NextEffective(day, day, monday))
}

func TestInForce(t *testing.T) {
	t.Parallel()
	require.Equal(t, DefaultSettings(), InForce(nil, time.Time{}))
	first := at(t, "2026-11-18T13:00:00Z") // created on a Wednesday
	second := at(t, "2026-11-30T00:00:00Z")
	history := []SettingsAt{
		{EffectiveFrom: first, Settings: Settings{K: 10}},
		{EffectiveFrom: second, Settings: Settings{K: 30}},
	}
	require.Equal(t, 10, InForce(history, at(t, "2026-11-16T00:00:00Z")).K, "a window that began before the app")
	require.Equal(t, 10, InForce(history, second.AddDate(0, 0, -7)).K)
	require.Equal(t, 30, InForce(history, second).K)
	require.Equal(t, 30, InForce(history, second.AddDate(1, 0, 0)).K)
}
