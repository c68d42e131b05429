package forward

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	answerKept = 1024       // how much of an answer the attempt log keeps
	answerRead = 4096       // read before redacting, so that no cut leaves half a token
	reasonKept = answerKept // a reason may quote what a receiver sent
)

// work is one Run or one pass. Its three contexts end in this order at a shutdown:
// claiming, sending, and writing down what was sent.
type work struct {
	d       *Deliverer
	ctx     context.Context
	sending context.Context
	storing context.Context
	now     func() time.Time // rows due by then are taken
	wg      sync.WaitGroup
}

// loop is the claim loop of one destination.
func (w *work) loop(l *lane) {
	for {
		select {
		case <-w.ctx.Done():
			return
		case <-l.signal:
		}
		if _, err := w.drain(l); err != nil && w.ctx.Err() == nil {
			w.d.Log.Error("forward: claiming failed; trying again", "destination", l.id, "error", err)
		}
	}
}

// drain claims as slots come free, until nothing more is due.
func (w *work) drain(l *lane) (claimed int, err error) {
	for w.ctx.Err() == nil {
		target, template, ok := l.current()
		if !ok {
			return claimed, nil
		}
		slots, freed := l.take()
		if slots == 0 {
			select {
			case <-freed:
			case <-w.ctx.Done():
			}
			continue
		}
		w.d.gate.RLock()
		batch, err := w.claim(target.Destination, slots)
		l.give(slots - len(batch))
		if err != nil || len(batch) == 0 {
			w.d.gate.RUnlock()
			return claimed, err
		}
		claimed += len(batch)
		var left atomic.Int64
		left.Store(int64(len(batch)))
		for _, delivery := range batch {
			w.wg.Go(func() {
				defer func() {
					l.give(1)
					if left.Add(-1) == 0 {
						w.d.gate.RUnlock()
					}
				}()
				w.attempt(l, target, template, delivery)
			})
		}
		if len(batch) < slots {
			return claimed, nil
		}
	}
	return claimed, w.ctx.Err()
}

// claim is not cut short by a shutdown: a claim that commits while nobody listens
// would be charged and wait for its lease.
func (w *work) claim(d Destination, slots int) ([]Delivery, error) {
	ctx, cancel := context.WithTimeout(w.storing, storeTimeout)
	defer cancel()
	batch, err := w.d.Outbox.Claim(ctx, d.ID, slots, w.now(), d.lease())
	if err != nil {
		return nil, fmt.Errorf("claim deliveries of %q: %w", d.ID, err)
	}
	return batch, nil
}

// attempt makes one attempt and settles it.
func (w *work) attempt(l *lane, target Registered, template *Template, delivery Delivery) {
	dest, started := target.Destination, w.d.Clock.Now()
	reply := w.d.send(w.sending, dest, template, delivery)
	ended := w.d.Clock.Now()
	ctx, cancel := context.WithTimeout(w.storing, storeTimeout)
	defer cancel()
	log := w.d.Log.With("destination", dest.ID, "delivery", delivery.ID, "attempt", delivery.Attempts)
	if reply.err != nil && w.sending.Err() != nil {
		// Our own shutdown, not the receiver's fault: not charged.
		if err := w.d.Outbox.Release(ctx, []Delivery{delivery}, ended); err != nil {
			log.Warn("forward: release failed; the lease will lapse", "error", err)
		}
		return
	}
	class, reason := Classify(reply.status, reply.err)
	reason = printable(reason, reasonKept)
	s := Settlement{
		Attempt: Attempt{
			DeliveryID: delivery.ID, AppID: delivery.AppID, Attempt: delivery.Attempts,
			At: started, Duration: ended.Sub(started), Class: class, Status: reply.status, Reason: reason,
			Answer: reply.answer, TemplateVersion: target.TemplateVersion,
		},
		DestinationID: dest.ID, Fence: delivery.Fence, State: class.state(),
	}
	if s.State == StatePending {
		s.DueAt = ended.Add(w.d.schedule.Wait(delivery.ID, delivery.Attempts, reply.retryAfter))
	}
	w.d.Metrics.attempt(dest.ID, class)
	if err := w.d.Outbox.Settle(ctx, s); err != nil {
		// Made but not written down: it will be made again, with the same id.
		log.Warn("forward: an attempt could not be settled", "class", class, "status", reply.status, "error", err)
		return
	}
	switch class {
	case ClassOK:
		w.d.Metrics.delivered(dest.ID, ended.Sub(delivery.CreatedAt))
		log.Debug("forward: delivered", "status", reply.status)
	case ClassRetry:
		log.Info("forward: will be tried again", "status", reply.status, "reason", reason, "due", s.DueAt)
	case ClassGone:
		l.disable(reason)
		log.Error("forward: the destination is disabled; deliveries wait until it is edited", "status", reply.status, "reason", reason)
	default:
		log.Warn("forward: not delivered", "class", class, "status", reply.status, "reason", reason)
	}
}

// reply is what came back; status counts when err is nil.
type reply struct {
	status     int
	answer     string
	retryAfter time.Duration
	err        error
}

func (d *Deliverer) send(ctx context.Context, dest Destination, template *Template, delivery Delivery) reply {
	values := maps.Clone(delivery.Fields)
	if values == nil {
		values = map[string]string{}
	}
	values["event_name"] = delivery.EventName
	values["delivery_id"] = delivery.ID
	values["attempt"] = strconv.Itoa(delivery.Attempts)
	target, err := template.Render(values)
	if err != nil {
		return reply{err: err}
	}
	// The network's time is real time, also where the lab's clock stands elsewhere.
	ctx, cancel := context.WithTimeout(ctx, dest.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, dest.Method, target, nil)
	if err != nil {
		return reply{err: fmt.Errorf("%w: the rendered URL cannot be sent", ErrTemplate)}
	}
	req.Header.Set("User-Agent", "skand")
	resp, err := d.Client.Do(req)
	if err != nil {
		return reply{err: err}
	}
	// The status is the answer; a body that breaks off takes nothing from it.
	body, _ := io.ReadAll(io.LimitReader(resp.Body, answerRead))
	_ = resp.Body.Close()
	return reply{
		status:     resp.StatusCode,
		answer:     printable(template.redact(string(body), values), answerKept),
		retryAfter: parseRetryAfter(resp.Header.Get("Retry-After"), d.Clock.Now()),
	}
}

// printable makes text that any database keeps, of at most limit bytes.
func printable(text string, limit int) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "?"), "\x00", "?")
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "") // drops a rune that the cut has split
	}
	return text
}
