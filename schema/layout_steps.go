package schema

import (
	"fmt"
	"slices"
)

// funnelModel gives each step of a funnel a value; the value of an install is the
// highest step that it reached. A step that implies the lower ones vouches for all of
// them, and is only reached with all of them; any other step stands for itself.
type funnelModel struct{ steps []funnelStep }

type funnelStep struct {
	event   MappedEvent
	implies bool
}

func (f *funnelModel) members(r *reader) (map[string]field, []string) {
	return map[string]field{
		"steps": func(v *node, at string) {
			// A row lists at most maxEvents, and a step that implies the others lists all.
			f.steps = list(r, v, at, maxFine, r.funnelStep)
		},
	}, []string{"steps"}
}

func (r *reader) funnelStep(n *node, at string) funnelStep {
	var s funnelStep
	s.event = r.conditionWith(n, at, map[string]field{"implies_lower": func(v *node, at string) {
		if v.kind != boolean {
			r.wrong(at, v, boolean)
		}
		s.implies = v.truth
	}})
	return s
}

func (f *funnelModel) check(r *reader, n *node, at string) {
	steps := n.member("steps")
	if steps == nil || steps.kind != array {
		return
	}
	at = under(at, "steps")
	if len(steps.items) == 0 {
		r.add(CodeLayoutInvalid, at, "is empty; write the steps from the first to the last")
	}
	seen := map[string]bool{}
	for i, s := range f.steps {
		r.once(seen, s.event, under(at, i))
		if s.implies && i+1 > maxEvents {
			r.add(CodeTooLarge, under(under(at, i), "implies_lower"),
				fmt.Sprintf("the row would list %d events; at most %d are allowed", i+1, maxEvents))
		}
	}
}

func (f *funnelModel) rows(x *expansion) []Row {
	var steps [][]MappedEvent
	var lower []MappedEvent
	for _, s := range f.steps {
		lower = append(lower, s.event)
		if s.implies {
			steps = append(steps, slices.Clone(lower))
		} else {
			steps = append(steps, []MappedEvent{s.event})
		}
	}
	return x.deal(steps)
}

// countsModel gives a value to each threshold of how often an event happened: from
// the threshold up to the next one, which is not included; the last one is open.
type countsModel struct {
	event      MappedEvent
	thresholds []*int
}

func (c *countsModel) members(r *reader) (map[string]field, []string) {
	return map[string]field{
		"event":      func(v *node, at string) { c.event = r.who(v, at) },
		"thresholds": func(v *node, at string) { c.thresholds = list(r, v, at, maxFine, r.count) },
	}, []string{"event", "thresholds"}
}

func (c *countsModel) check(r *reader, n *node, at string) {
	at = under(at, "thresholds")
	if t := n.member("thresholds"); t != nil && t.kind == array && len(t.items) == 0 {
		r.add(CodeLayoutInvalid, at, "is empty; write the counts where values begin")
	}
	r.rising(c.thresholds, at)
}

// rising reports counts that are not 1 or more, or not above the one before.
func (r *reader) rising(counts []*int, at string) {
	last := 0
	for i, n := range counts {
		if n == nil {
			continue
		}
		if *n <= last {
			r.add(CodeLayoutInvalid, under(at, i), fmt.Sprintf("is %d; write counts from 1 on, from low to high", *n))
		}
		last = max(last, *n)
	}
}

func (c *countsModel) rows(x *expansion) []Row {
	events := make([]MappedEvent, len(c.thresholds))
	for i, least := range c.thresholds {
		events[i] = c.event
		events[i].CountMin = least
		if i+1 < len(c.thresholds) {
			events[i].CountMax = c.thresholds[i+1]
		}
	}
	return x.deal(singles(events))
}

// retentionModel gives a value to each day after day 0 on which the app was opened:
// the events retained_day_1 and retained_day_2, of which the highest counts. Fine
// values end with window 0, two days after the first launch; the days of windows 1
// and 2 are coarse levels (the days of a coarse part).
type retentionModel struct{ days int }

// maxFineDay is the last calendar day that can begin within 48 hours.
const maxFineDay = 2

func (m *retentionModel) members(r *reader) (map[string]field, []string) {
	return map[string]field{
		"days": func(v *node, at string) {
			m.days = r.within(v, at, 1, 1<<20)
			if m.days > maxFineDay {
				r.add(CodeFineValueUnreachable, at, fmt.Sprintf(
					"is %d; window 0 ends on day %d, map later days to the coarse levels of windows 1 and 2", m.days, maxFineDay))
			}
		},
	}, []string{"days"}
}

func (m *retentionModel) check(*reader, *node, string) {}

func (m *retentionModel) rows(x *expansion) []Row {
	var days []MappedEvent
	for day := 1; day <= m.days; day++ {
		days = append(days, retained(day))
	}
	return x.deal(singles(days))
}

// retained is the event by which an app says that it was opened on a day after the
// first launch, which is day 0.
func retained(day int) MappedEvent { return MappedEvent{Name: fmt.Sprintf("retained_day_%d", day)} }
