package forward

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// keyWait is how long a destination rests whose secret is missing.
const keyWait = time.Minute

// attempt makes one attempt and settles it. It reports whether its slot was given back
// with those of its batch.
func (w *work) attempt(l *lane, e errand, delivery Delivery) (given bool) {
	started := w.d.Clock.Now()
	reply := w.d.send(w.sending, e, delivery)
	ended := w.d.Clock.Now()
	ctx, cancel := context.WithTimeout(w.storing, storeTimeout)
	defer cancel()
	log := w.d.Log.With("destination", l.id, "delivery", delivery.ID, "attempt", delivery.Attempts)
	switch {
	case errors.Is(reply.err, ErrKeyMissing):
		w.keyMissing(ctx, l, delivery, reply.err, ended)
		return false
	case reply.err != nil && w.sending.Err() != nil:
		// Our own shutdown, not the receiver's fault: not charged.
		if err := w.d.Outbox.Release(ctx, []Delivery{delivery}, ended); err != nil {
			log.Warn("forward: release failed; the lease will lapse", "error", err)
		}
		return false
	}
	s := e.judge(delivery, reply, started, ended)
	w.d.Metrics.attempt(l.id, s.Attempt.Class)
	fenced, err := w.settle(l, s)
	if err != nil {
		// Made but not written down: it will be made again, with the same id.
		log.Warn("forward: an attempt could not be settled", "class", s.Attempt.Class, "status", reply.status, "error", err)
		return true
	}
	if fenced {
		log.Warn("forward: the delivery was claimed again after its lease lapsed", "class", s.Attempt.Class, "status", reply.status)
		return true
	}
	if s.State == StateDelivered {
		w.d.Metrics.delivered(l.id, ended.Sub(delivery.CreatedAt))
	}
	s.tell(log)
	return true
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
func (w *work) keyMissing(ctx context.Context, l *lane, delivery Delivery, why error, now time.Time) {
	until := now.Add(keyWait)
	log := w.d.Log.With("destination", l.id)
	if err := w.d.Outbox.Release(ctx, []Delivery{delivery}, until); err != nil {
		log.Warn("forward: release failed; the lease will lapse", "error", err)
	}
	if !l.waitForKey(now, until) {
		return
	}
	w.d.Metrics.keyMissing(l.id, true)
	log.Error("forward: deliveries wait, for the destination's secret is missing", "error", why, "again", until)
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
