package forward

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"skand/internal/clock"
)

const (
	// storeTimeout bounds one call of the outbox.
	storeTimeout = 30 * time.Second
	// settleGrace is left to the outbox when the drain time is over: with the
	// default drain a shutdown ends within 10 s.
	settleGrace = 1500 * time.Millisecond
)

// Options of a deliverer. Outbox, Client and Clock are needed.
type Options struct {
	Outbox  Outbox
	Client  *http.Client // one that guards the addresses it dials
	Clock   clock.Clock
	Log     *slog.Logger
	Metrics *Metrics
	Drain   time.Duration // how long a shutdown lets attempts finish; default 8 s
	// Credentials sign what is sent; nil: no destination asks for it.
	Credentials Credentials
}

// Deliverer works the outbox: one claim loop per destination. Several may run on
// one store, in one process or many.
type Deliverer struct {
	Options
	wake chan struct{}

	mu    sync.Mutex
	lanes map[string]*lane

	gate sync.RWMutex // held for reading from a claim until its batch is settled
}

// NewDeliverer returns a deliverer that does nothing until Run or DeliverDue.
func NewDeliverer(o Options) *Deliverer {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Metrics == nil {
		o.Metrics = NewMetrics(nil)
	}
	if o.Drain == 0 {
		o.Drain = 8 * time.Second
	}
	client := *o.Client // a redirect is an answer, whatever client was handed in
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	o.Client = &client
	return &Deliverer{
		Options: o, wake: make(chan struct{}, 1), lanes: map[string]*lane{},
	}
}

// Wake says that deliveries were written (or a destination edited). It never
// blocks.
func (d *Deliverer) Wake() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// StandStill runs f while nothing is claimed: what was in flight is settled before,
// and nothing new begins until f returns. The lab moves its clock in here, or its
// leap would lapse the leases of attempts that are under way.
func (d *Deliverer) StandStill(f func() error) error {
	d.gate.Lock()
	defer d.gate.Unlock()
	return f()
}

// Run delivers until ctx ends. Then nothing more is claimed, attempts in flight
// get the drain time, and what is unfinished after it is released, not charged.
func (d *Deliverer) Run(ctx context.Context) error {
	storing, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	sending, stop := context.WithCancel(storing)
	defer stop()
	w := &work{d: d, ctx: ctx, sending: sending, storing: storing, now: d.Clock.Now}
	started := map[*lane]bool{}
	for ctx.Err() == nil {
		wait := d.tick(ctx, func(l *lane) {
			if !started[l] {
				started[l] = true
				w.wg.Go(func() { w.loop(l) })
			}
			l.poke()
		})
		select {
		case <-ctx.Done():
		case <-d.wake:
		case <-d.Clock.After(wait):
		}
	}
	done := make(chan struct{})
	go func() {
		w.wg.Wait()
		close(done)
	}()
	within(storing, done, d.Drain)
	stop()
	within(storing, done, settleGrace)
	giveUp()
	<-done
	return nil
}

// within waits until done, but no longer than limit of real time.
func within(parent context.Context, done <-chan struct{}, limit time.Duration) {
	ctx, cancel := context.WithTimeout(parent, limit)
	defer cancel()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// DeliverDue attempts everything that is due now, once, within each destination's
// limits, and returns when it is settled, also what a Run beside it has taken. What a
// rate holds back stays due. n counts the attempts of this call.
func (d *Deliverer) DeliverDue(ctx context.Context) (n int, err error) {
	lanes, _, err := d.look(ctx)
	if err != nil {
		return 0, fmt.Errorf("deliver what is due: %w", err)
	}
	at := d.Clock.Now()
	w := &work{d: d, ctx: ctx, sending: ctx, storing: context.WithoutCancel(ctx), now: func() time.Time { return at }, pass: true}
	var mu sync.Mutex
	var errs []error
	for _, l := range lanes {
		w.wg.Go(func() {
			err := w.drain(l)
			err = errors.Join(err, l.idle(ctx))
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
		})
	}
	w.wg.Wait()
	return int(w.claimed.Load()), errors.Join(errs...)
}
