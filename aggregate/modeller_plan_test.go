package aggregate

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func modelable(kind WindowKind, n int, due func(int) bool) Modelable {
	m := Modelable{Dataset: Dataset{AppID: 1, Kind: KindInstall, Environment: EnvProduction}}
	w := WindowAt(kind, time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC))
	for i := range n {
		r := Release{Dataset: m.Dataset, View: ViewCohort, Kind: ReleaseBase, Window: w, WindowStart: w.Start, Settings: Settings{Currency: "USD"}}
		m.Windows = append(m.Windows, ModelableWindow{Counts: r, Due: due(i)})
		w = kind.Next(w)
	}
	return m
}

// spans tells of each fit which windows it reads, and which of them it publishes.
func spans(m Modelable, fits []ModelFit) (out [][4]int) {
	at := map[time.Time]int{}
	for i, w := range m.Windows {
		at[w.Counts.Window.Start] = i
	}
	for _, f := range fits {
		due := f.due()
		out = append(out, [4]int{
			at[f.Windows[0].Counts.Window.Start], at[f.Windows[len(f.Windows)-1].Counts.Window.Start],
			at[f.Windows[due[0]].Counts.Window.Start], at[f.Windows[due[len(due)-1]].Counts.Window.Start],
		})
	}
	return out
}

func all(int) bool { return true }

func TestPlanFitsWhatIsDueTogether(t *testing.T) {
	t.Parallel()
	s := DefaultModelSettings()
	last := func(n int) func(int) bool { return func(i int) bool { return i >= n } }
	for name, c := range map[string]struct {
		m    Modelable
		want [][4]int
	}{
		"one new week":             {modelable(Week, 30, last(29)), [][4]int{{18, 29, 29, 29}}},
		"an app's first weeks":     {modelable(Week, 3, all), [][4]int{{0, 2, 0, 2}}},
		"a whole fit of new weeks": {modelable(Week, 12, all), [][4]int{{0, 11, 0, 11}}},
		"a long history":           {modelable(Week, 20, all), [][4]int{{0, 5, 0, 5}, {1, 12, 6, 12}, {8, 19, 13, 19}}},
		"one new day":              {modelable(Day, 90, last(89)), [][4]int{{45, 89, 89, 89}}},
		"days of two months":       {modelable(Day, 60, all), [][4]int{{0, 31, 0, 31}, {1, 45, 32, 45}, {15, 59, 46, 59}}},
		"nothing":                  {modelable(Week, 4, func(int) bool { return false }), nil},
	} {
		got := spans(c.m, s.Plan(c.m))
		require.Equal(t, c.want, got, name)
		for i := range c.m.Windows { // a run that was killed goes on with the same fits
			if !c.m.Windows[i].Due {
				continue
			}
			c.m.Windows[i].Due = false
			rest := s.Plan(c.m)
			for _, f := range spans(c.m, rest) {
				found := false
				for _, w := range c.want {
					found = found || w[0] == f[0] && w[1] == f[1]
				}
				require.True(t, found, "%s: after window %d: %v", name, i, f)
			}
		}
	}
}

func TestPlanKeepsKindsAndCurrenciesApart(t *testing.T) {
	t.Parallel()
	m := modelable(Day, 14, all)
	weeks := modelable(Week, 6, all)
	m.Windows = append(m.Windows, weeks.Windows[2:]...)
	for i := range m.Windows {
		if i >= 16 {
			m.Windows[i].Counts.Settings.Currency = "EUR"
		}
	}
	require.Equal(t, [][4]int{{0, 13, 0, 13}, {14, 15, 14, 15}, {16, 17, 16, 17}}, spans(m, DefaultModelSettings().Plan(m)))
}

// A month ends with the first window that ends no earlier, and is told once, whatever is
// carried or missing; a week of days likewise.
func TestPeriodsEndOnce(t *testing.T) {
	t.Parallel()
	for _, kind := range []WindowKind{Week, Day} {
		m := modelable(kind, map[WindowKind]int{Week: 20, Day: 100}[kind], all)
		m.Windows = append(m.Windows[:9], m.Windows[11:]...)                                 // two windows without traffic
		m.Windows[12].Counts.WindowStart = m.Windows[11].Counts.Window.End                   // nothing was carried
		m.Windows[9].Counts.WindowStart = m.Windows[9].Counts.Window.Start.AddDate(0, 0, -1) // a carried day
		if kind == Week {
			m.Windows[9].Counts.WindowStart = m.Windows[8].Counts.Window.End
		}
		told := map[string]int{}
		inside := map[string]int{}
		for _, f := range DefaultModelSettings().Plan(m) {
			for _, i := range f.due() {
				for _, period := range []string{PeriodWeek, PeriodMonth} {
					for _, start := range f.ended(period, f.Windows[i].Counts.Window) {
						windows, whole := f.within(period, start)
						require.True(t, whole, "%s %s of %s", kind, period, start)
						told[period+start.Format(time.DateOnly)]++
						inside[period] += len(windows)
						for _, w := range windows {
							require.LessOrEqual(t, w, i)
						}
					}
				}
			}
		}
		for period, n := range told {
			require.Equal(t, 1, n, period)
		}
		last := m.Windows[len(m.Windows)-1].Counts.Window.End
		ended := 0
		for _, w := range m.Windows {
			if _, end := periodOf(PeriodMonth, w.Counts.WindowStart); !end.After(last) {
				ended++
			}
		}
		require.Equal(t, ended, inside[PeriodMonth], "each window of a month that is over is in one month")
	}
}

func TestModelSettingsNameWhatMakesNoSense(t *testing.T) {
	t.Parallel()
	require.NoError(t, DefaultModelSettings().Validate())
	for want, change := range map[string]func(*ModelSettings){
		"weeks is 5":       func(s *ModelSettings) { s.Weeks = 5 },
		"days is 31":       func(s *ModelSettings) { s.Days = 31 },
		"draws":            func(s *ModelSettings) { s.Model.Draws = 1 },
		"carry":            func(s *ModelSettings) { s.Later.Carry = -1 },
		"significance is ": func(s *ModelSettings) { s.Drift.Significance = 2 },
	} {
		s := DefaultModelSettings()
		change(&s)
		require.ErrorContains(t, s.Validate(), want)
	}
}
