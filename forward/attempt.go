package forward

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// keyWait is how long a destination rests whose secret is missing.
const keyWait = time.Minute

// attempt makes one attempt and hands it to the settler. One that was none is given
// back: then its slot comes free here.
func (w *work) attempt(t task) {
	started := w.d.Clock.Now()
	reply := w.d.send(w.sending, t.errand, t.delivery)
	ended := w.d.Clock.Now()
	switch {
	case errors.Is(reply.err, ErrKeyMissing):
		w.keyMissing(t.lane, t.delivery, reply.err, ended)
	case reply.err != nil && w.sending.Err() != nil:
		// Our own shutdown, not the receiver's fault: not charged.
		w.release(t.lane, t.delivery, ended)
	default:
		s := t.errand.judge(t.delivery, reply, started, ended)
		w.d.Metrics.attempt(t.lane.id, s.Attempt.Class)
		w.settle(&settling{Settlement: s, task: t})
		return
	}
	t.lane.giveBack(1, 0)
	t.gate.letGo()
}

// settled tells what became of an attempt, once that is written down or could not be.
func (w *work) settled(s *settling) {
	defer s.gate.letGo()
	a := s.Attempt
	switch {
	case s.err != nil:
		// Made but not written down: it will be made again, with the same id.
		w.log(s.task).Warn("forward: an attempt could not be settled", "class", a.Class, "status", a.Status, "error", s.err)
	case s.fenced:
		w.log(s.task).Warn("forward: the delivery was claimed again after its lease lapsed", "class", a.Class, "status", a.Status)
	case s.State == StateDelivered:
		w.d.Metrics.delivered(s.lane.id, a.At.Add(a.Duration).Sub(s.delivery.CreatedAt))
		if w.d.Log.Enabled(w.storing, slog.LevelDebug) {
			s.tell(w.log(s.task))
		}
	default:
		s.tell(w.log(s.task))
	}
}

func (w *work) log(t task) *slog.Logger {
	return w.d.Log.With("destination", t.lane.id, "delivery", t.delivery.ID, "attempt", t.delivery.Attempts)
}

// release gives a claim back.
func (w *work) release(l *lane, delivery Delivery, due time.Time) {
	ctx, cancel := context.WithTimeout(w.storing, storeTimeout)
	defer cancel()
	if err := w.d.Outbox.Release(ctx, []Delivery{delivery}, due); err != nil {
		w.d.Log.Warn("forward: release failed; the lease will lapse", "destination", l.id, "delivery", delivery.ID, "error", err)
	}
}

// judge says what becomes of the delivery.
func (e errand) judge(delivery Delivery, r reply, started, ended time.Time) Settlement {
	class, reason := Classify(r.status, r.err)
	if r.renewed {
		class, reason = ClassRetry, reason+"; the next attempt brings a new token"
	}
	s := Settlement{
		DestinationID: e.target.Destination.ID, Fence: delivery.Fence, Turn: delivery.Turn,
		State: class.state(), RetryAfter: r.retryAfter,
	}
	if s.State == StatePending {
		wait, ends := e.schedule.Next(delivery.ID, delivery.Attempts, Failure{r.status, r.sent && !r.renewed, r.retryAfter})
		if s.DueAt = ended.Add(wait); ends != "" {
			s.State, s.DueAt, reason = StateRefused, time.Time{}, reason+"; "+ends
		}
	}
	s.Attempt = Attempt{
		DeliveryID: delivery.ID, AppID: delivery.AppID, Attempt: delivery.Attempts,
		At: started, Duration: ended.Sub(started), Class: class, Status: r.status,
		Reason: printable(reason, reasonKept), Answer: r.answer, TemplateVersion: e.target.TemplateVersion,
	}
	return s
}

// tell writes the log line of an attempt.
func (s Settlement) tell(log *slog.Logger) {
	a := s.Attempt
	switch s.State {
	case StateDelivered:
		log.Debug("forward: delivered", "status", a.Status)
	case StatePending:
		log.Info("forward: will be tried again", "status", a.Status, "reason", a.Reason, "due", s.DueAt)
	default:
		log.Warn("forward: not delivered", "class", a.Class, "state", s.State, "status", a.Status, "reason", a.Reason)
	}
}

// keyMissing gives the claim back: the fault is ours, and no attempt was made. The
// destination rests for a minute, lest every row be claimed for nothing.
func (w *work) keyMissing(l *lane, delivery Delivery, why error, now time.Time) {
	until := now.Add(keyWait)
	w.release(l, delivery, until)
	if !l.waitForKey(now, until) {
		return
	}
	log := w.d.Log.With("destination", l.id)
	w.d.Metrics.keyMissing(l.id, true)
	log.Error("forward: deliveries wait, for the destination's secret is missing", "error", why, "again", until)
	ctx, cancel := context.WithTimeout(w.storing, storeTimeout)
	defer cancel()
	if err := w.d.Outbox.KeyMissing(ctx, l.id, now); err != nil {
		log.Warn("forward: the missing secret could not be noted", "error", err)
	}
}

// turned takes over what a settlement made of destinations, and tells of it: nothing
// is paused or disabled in silence.
func (d *Deliverer) turned(all []Registered) {
	for _, r := range all {
		d.mu.Lock()
		l := d.lanes[r.Destination.ID]
		d.mu.Unlock()
		if l != nil {
			l.turn(r.Standing())
		}
		d.Metrics.state(r)
		d.announce(r)
	}
	if len(all) > 0 {
		d.Wake() // one that closed has rows waiting
	}
}

// announce logs how a destination stands.
func (d *Deliverer) announce(r Registered) {
	state, reason := r.State()
	log := d.Log.With("destination", r.Destination.ID, "state", state, "reason", reason, "since", r.Since)
	switch state {
	case DestinationDisabled:
		log.Error("forward: the destination is disabled; deliveries wait until it is edited or enabled", "by", r.DisabledBy)
	case DestinationPaused:
		log.Error("forward: the destination is paused; deliveries wait until it is edited or resumed")
	case DestinationOpen:
		log.Error("forward: the destination fails; deliveries wait while probes are sent", "probe", r.Breaker.ProbeAt)
	case DestinationActive:
		log.Info("forward: the destination answers again; what waited is sent")
	}
}
