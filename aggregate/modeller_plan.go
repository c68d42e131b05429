package aggregate

import (
	"slices"
	"time"

	"skand/aggregate/model"
)

// How many windows before the one that ends it a month may reach back.
const (
	reachWeeks = 5
	reachDays  = 31
)

// ModelFit is windows of one dataset that are fitted together.
type ModelFit struct {
	Dataset Dataset
	Lab     bool
	Windows []ModelableWindow // read by the fit, in order; Due: predicted and published by it
	First   []Release         // lines of index 0, for index 1 and 2
	All     []Release         // lines of all windows of the dataset that are known here, of other fits too
}

// due are the places of the windows that the fit publishes.
func (f ModelFit) due() (out []int) {
	for i, w := range f.Windows {
		if w.Due {
			out = append(out, i)
		}
	}
	return out
}

// Plan divides what is due into fits, oldest first. A fit is of windows of one kind and
// one currency. It ends with the newest window that is due and not in a later fit, and
// publishes of its windows those before which a whole month is read, so that roll-ups
// have draws; where nothing was published before them, all. The same windows due give
// the same fits, and a run that was killed goes on with the numbers that it had.
func (s ModelSettings) Plan(m Modelable) (out []ModelFit) {
	all := make([]Release, len(m.Windows))
	for i, w := range m.Windows {
		all[i] = w.Counts
	}
	for end := len(m.Windows); end > 0; {
		if !m.Windows[end-1].Due {
			end--
			continue
		}
		kind := m.Windows[end-1].Counts.Window.Kind()
		begin := end - 1
		for begin > 0 && end-begin < s.Windows(kind) && alike(all[begin-1], all[end-1]) {
			begin--
		}
		first := begin
		if begin > 0 && alike(all[begin-1], all[end-1]) {
			first += reach(kind)
		}
		f := ModelFit{Dataset: m.Dataset, Lab: m.Lab, All: all, Windows: slices.Clone(m.Windows[begin:end])}
		for i := range f.Windows {
			f.Windows[i].Due = f.Windows[i].Due && begin+i >= first
		}
		f.First = firstOf(m, f)
		out = append(out, f)
		end = first
	}
	slices.Reverse(out)
	return out
}

// alike says whether two windows can be fitted together.
func alike(a, b Release) bool {
	return a.Window.Kind() == b.Window.Kind() && a.Settings.Currency == b.Settings.Currency
}

func reach(kind WindowKind) int {
	if kind == Day {
		return reachDays
	}
	return reachWeeks
}

// firstOf are the windows of index 0 in which installs of a fit's windows may lie.
func firstOf(m Modelable, f ModelFit) (out []Release) {
	if f.Dataset.SequenceIndex == 0 {
		return nil
	}
	newest := f.Windows[len(f.Windows)-1].Counts
	from := LaterReach(f.Dataset.SequenceIndex, f.Windows[0].Counts.Window)
	for _, r := range m.First {
		if alike(r, newest) && !r.Window.Start.Before(from) && !r.Window.End.After(newest.Window.End) {
			out = append(out, r)
		}
	}
	return out
}

// LaterReach is from when on installs may have been counted at index 0 whose postback
// of index 1 or 2 is counted in the window.
func LaterReach(index int, w Window) time.Time {
	hours := hoursOf(w.Kind())
	lag, err := model.LagWeights(index, hours, [3]int{}) // time locks only make it shorter
	if err != nil {
		return w.Start
	}
	return w.Start.Add(-time.Duration(len(lag)*hours) * time.Hour)
}

func hoursOf(kind WindowKind) int {
	if kind == Day {
		return 24
	}
	return 7 * 24
}

// numberOf counts windows of one length from a Monday on, so that the number of a window
// does not hang on which others are published.
func numberOf(w Window) int {
	monday := time.Date(1970, 1, 5, 0, 0, 0, 0, time.UTC)
	return int(w.Start.Sub(monday) / w.End.Sub(w.Start))
}
