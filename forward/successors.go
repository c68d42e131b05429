package forward

// successors are what the slots of a batch of settlements are for next. A lane whose
// last claim found as much as it asked for has more; its slots go from what is settled
// to what the same transaction claims, without a look in between.
type successors struct {
	lanes []*successor
	gate  *held // nil: nothing is claimed
}

// successor is one lane's share.
type successor struct {
	lane    *lane
	errand  errand
	slots   int // that the batch gives back
	granted int // of them asked for, within the rate
	want    Want
}

// successors asks for no more than the batch gives back, and for nothing at a shutdown,
// while the lab moves its clock, or of a lane that stands still or may only probe.
func (w *work) successors(batch []*settling) *successors {
	all := &successors{}
	byLane := map[*lane]*successor{}
	more := map[*lane]int{}
	for _, s := range batch {
		if byLane[s.lane] == nil {
			byLane[s.lane] = &successor{lane: s.lane}
			all.lanes = append(all.lanes, byLane[s.lane])
		}
		byLane[s.lane].slots++
		if s.more {
			more[s.lane]++
		}
	}
	if len(more) == 0 || w.ctx.Err() != nil || !w.d.gate.TryRLock() {
		return all
	}
	all.gate = &held{gate: &w.d.gate}
	now, due := w.d.Clock.Now(), w.now()
	for _, n := range all.lanes {
		e, ok := n.lane.current(now)
		if !ok || more[n.lane] == 0 || e.target.Breaker.Open() {
			continue
		}
		n.errand, n.granted = e, n.lane.grant(more[n.lane], now)
		d := e.target.Destination
		n.want = Want{DestinationID: d.ID, Limit: n.granted, Now: due, Lease: d.lease()}
	}
	return all
}

func (s *successors) wants() (wants []Want) {
	for _, n := range s.lanes {
		if n.granted > 0 {
			wants = append(wants, n.want)
		}
	}
	return wants
}

// start lets the attempts at what was claimed begin, and gives back the slots that
// nothing was found for.
func (s *successors) start(w *work, claimed []Delivery) {
	byID := make(map[string][]Delivery, len(s.lanes))
	for _, d := range claimed {
		byID[d.DestinationID] = append(byID[d.DestinationID], d)
	}
	s.gate.keep(len(claimed))
	for _, n := range s.lanes {
		got := byID[n.lane.id]
		more := n.granted > 0 && len(got) == n.granted
		w.start(n.lane, n.errand, got, more, s.gate)
		n.lane.giveBack(n.slots-len(got), n.granted-len(got))
	}
}
