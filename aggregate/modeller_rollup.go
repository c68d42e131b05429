package aggregate

import (
	"cmp"
	"slices"
	"time"
)

// rollups adds the roll-ups that a window ends. A window belongs to the week and the
// month in which it is published to start (window_start), as in the views. A period ends
// with the first published window that ends no earlier: what is published later starts
// later. Its roll-up is published with that window, once, if all its windows are read by
// the fit: of one kind and currency. They are summed draw by draw.
func (m *modelled) rollups(r *Release, window int, reading ModelReading) {
	for _, period := range []string{PeriodWeek, PeriodMonth} {
		for _, start := range m.fit.ended(period, r.Window) {
			windows, whole := m.fit.within(period, start)
			if whole {
				r.Rollups = append(r.Rollups, m.rollup(period, start, windows, reading)...)
			}
		}
	}
}

// periodOf is the start and the end of the week or month that t lies in.
func periodOf(period string, t time.Time) (start, end time.Time) {
	t = t.UTC()
	if period == PeriodWeek {
		w := WindowAt(Week, t)
		return w.Start, w.End
	}
	start = time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
	return start, start.AddDate(0, 1, 0)
}

// ended are the periods with windows that no window before w has ended and w does, in order.
func (f ModelFit) ended(period string, w Window) (out []time.Time) {
	var before time.Time
	for _, r := range f.All {
		if r.Window.End.Before(w.End) && r.Window.End.After(before) {
			before = r.Window.End
		}
	}
	for _, r := range f.All {
		start, end := periodOf(period, r.WindowStart)
		if end.After(before) && !end.After(w.End) && !slices.Contains(out, start) {
			out = append(out, start)
		}
	}
	slices.SortFunc(out, time.Time.Compare)
	return out
}

// within are the windows of a period, by their places in the fit; whole is false where
// one of them is not read by it.
func (f ModelFit) within(period string, start time.Time) (out []int, whole bool) {
	for _, r := range f.All {
		if s, _ := periodOf(period, r.WindowStart); !s.Equal(start) {
			continue
		}
		i := slices.IndexFunc(f.Windows, func(w ModelableWindow) bool { return w.Counts.Window.Start.Equal(r.Window.Start) })
		if i < 0 {
			return nil, false
		}
		out = append(out, i)
	}
	return out, len(out) > 0
}

// rollupNode is a place of the tree that roll-ups are of.
type rollupNode struct{ level, node string }

var rollupLevels = []string{RollupApp, RollupNetwork, RollupSrc2}

func (n rollupNode) compare(o rollupNode) int {
	return cmp.Or(cmp.Compare(slices.Index(rollupLevels, n.level), slices.Index(rollupLevels, o.level)), cmp.Compare(n.node, o.node))
}

// nodesOf are the nodes that installs of a campaign are in. Those of an app's `other`
// are the app's alone, and those of a network's `other` no campaign's.
func nodesOf(network, campaign string) []rollupNode {
	out := []rollupNode{{RollupApp, ""}}
	if network != "" {
		out = append(out, rollupNode{RollupNetwork, networkKey(network)})
		if campaign != "" {
			out = append(out, rollupNode{RollupSrc2, networkKey(network) + "/" + campaign})
		}
	}
	return out
}

func (m *modelled) rollup(period string, start time.Time, windows []int, reading ModelReading) (out []ModeledRollup) {
	members := map[rollupNode][]int{}
	for _, u := range m.units {
		if slices.Contains(windows, u.window) {
			for _, n := range nodesOf(u.network, u.campaign) {
				members[n] = append(members[n], u.target)
			}
		}
	}
	for _, i := range windows { // also where nothing has a signal
		for _, row := range reading.Windows[i].Rows {
			k := campaignOf(row)
			for _, n := range nodesOf(k.network, k.campaign()) {
				if _, known := members[n]; !known {
					members[n] = nil
				}
			}
		}
	}
	nodes := make([]rollupNode, 0, len(members))
	for n := range members {
		nodes = append(nodes, n)
	}
	slices.SortFunc(nodes, rollupNode.compare)
	for _, n := range nodes {
		for i, name := range m.metrics {
			line := Modeled{Metric: name.metric, EventName: name.event, Signal: SignalYes}
			for _, w := range windows {
				if signal := m.signal(w, name); signal != SignalYes {
					line.Signal = signal
				}
			}
			if line.Signal == SignalYes {
				line = modeledOf(name.metric, name.event, m.prediction.Sum(members[n], i))
			}
			out = append(out, ModeledRollup{Level: n.level, Node: n.node, Period: period, PeriodStart: start, Windows: len(windows), Modeled: line})
		}
	}
	return out
}
