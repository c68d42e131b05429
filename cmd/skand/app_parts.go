package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"skand/aggregate"
	"skand/conversion"
	"skand/internal/clock"
	"skand/internal/config"
	"skand/internal/jobs"
	"skand/internal/noise"
	"skand/internal/safehttp"
	"skand/internal/store"
	"skand/internal/web"
	"skand/skan"
)

// outgoing is the one way out; what it may reach changes when the allow-list does.
type outgoing struct {
	now    atomic.Pointer[http.Client]
	reload func(ctx context.Context) error
}

// RoundTrip implements http.RoundTripper. An address that is refused may have been
// allowed a moment ago, by an apply in another process: before the refusal is final
// the allow-list is read again. Nothing was sent by then, but the body is closed.
func (o *outgoing) RoundTrip(r *http.Request) (*http.Response, error) {
	guard := o.now.Load()
	resp, err := guard.Transport.RoundTrip(r)
	var blocked *safehttp.BlockedError
	if !errors.As(err, &blocked) || r.Body != nil && r.GetBody == nil {
		return resp, err
	}
	if wrong := o.reload(r.Context()); wrong != nil || o.now.Load() == guard {
		return resp, err
	}
	again := r.Clone(r.Context())
	if r.Body != nil {
		body, wrong := r.GetBody()
		if wrong != nil {
			return resp, err
		}
		again.Body = body
	}
	return o.now.Load().Transport.RoundTrip(again)
}

// reload reads what apply may have changed: trusted keys and the allow-list.
func (a *App) reload(ctx context.Context) error {
	a.reloading.Lock() // before the look: an older one must not overwrite a newer one
	defer a.reloading.Unlock()
	a.signer.Forget()
	defer func() { a.lookedAt = clock.Real{}.Now() }() // at its end: who waited for it need not look
	extra, err := a.store.TrustedKeys(ctx)
	if err != nil {
		return err
	}
	allow, err := a.store.AllowPrivate(ctx)
	if err != nil {
		return err
	}
	state := fmt.Sprint(extra, allow)
	if a.reloaded.Load() != nil && *a.reloaded.Load() == state {
		return nil
	}
	keys, err := skan.AppleKeys().With(extra...)
	if err != nil {
		return fmt.Errorf("trusted keys: %w", err)
	}
	a.verifier.Store(skan.NewVerifier(keys, p192Options(a.cfg)...))
	a.out.now.Store(safehttp.NewClient(safehttp.Options{AllowPrivate: allow}))
	a.reloaded.Store(&state)
	return nil
}

// p192Options is what the configuration says about SKAdNetwork 1.0 and 2.0.
func p192Options(cfg config.Config) []skan.Option {
	var opts []skan.Option
	if !cfg.P192 {
		opts = append(opts, skan.DisableP192())
	}
	if n := cfg.Limits.P192; n > 0 {
		opts = append(opts, skan.WithMaxP192(n))
	}
	return opts
}

// waking wakes the deliverer after each item that may have caused deliveries.
type waking struct {
	in   web.Intake
	wake func()
}

func (k *waking) Clicks(ctx context.Context, clicks []*conversion.Click) ([]conversion.Taken, error) {
	defer k.wake()
	return k.in.Clicks(ctx, clicks)
}

func (k *waking) Installs(ctx context.Context, installs []*conversion.Install) ([]conversion.Taken, error) {
	defer k.wake()
	return k.in.Installs(ctx, installs)
}

func (k *waking) Events(ctx context.Context, events []*conversion.Event) ([]conversion.Taken, error) {
	defer k.wake()
	return k.in.Events(ctx, events)
}

func (k *waking) Consents(ctx context.Context, reports []*conversion.ConsentReport) ([]conversion.Taken, error) {
	defer k.wake()
	return k.in.Consents(ctx, reports)
}

func (a *App) registerJobs() error {
	a.jobs = jobs.NewRunner(jobs.Options{
		Clock: a.clock, Leases: a.store, Log: a.store, Logger: a.log, Metrics: a.registry, Patience: 30 * time.Second,
	})
	var errs []error
	for _, j := range []jobs.Job{
		{Name: "decode", Run: a.decode}, {Name: "seal", Run: a.seal}, {Name: "model", Run: a.model},
		{Name: "partitions", Run: a.partitions}, {Name: "retention", Run: a.retention},
		{Name: "health", Run: a.health},
	} {
		j.Spec = a.cfg.Jobs[j.Name]
		errs = append(errs, a.jobs.Register(j))
	}
	return errors.Join(errs...)
}

// decode lets in what an app's opt-in has made countable, then decodes what waits.
func (a *App) decode(ctx context.Context) (jobs.Result, error) {
	filter := conversion.ReplayFilter{Trusting: true}
	if _, err := conversion.Replay(ctx, a.store, a.verifier.Load(), filter, false); err != nil {
		return jobs.Result{}, err
	}
	n, err := conversion.DecodeAll(ctx, a.store, a.clock.Now)
	return jobs.Result{Rows: int64(n)}, err
}

// seal decodes what can be decoded first: a window is to be sealed with its values.
func (a *App) seal(ctx context.Context) (jobs.Result, error) {
	if _, err := a.decode(ctx); err != nil {
		return jobs.Result{}, err
	}
	s := &aggregate.Sealer{Store: a.store, Published: a.store, Noise: noise.Laplace{}, Clock: a.clock, Log: a.log}
	report, err := s.Run(ctx)
	consented, err := a.sealConsented(ctx, err)
	// Here and not with the model: what waits for it must go out when it does not run.
	_, wrong := a.store.TellWaiting(ctx)
	a.wake()
	return jobs.Result{Rows: int64(report.Published+report.Finished) + consented}, errors.Join(err, wrong)
}

// sealConsented seals the deterministic side, then puts both sides together where a
// period is over. What failed on one side does not hold up the other.
func (a *App) sealConsented(ctx context.Context, failed error) (int64, error) {
	s := &aggregate.Sealer{Store: store.Deterministic{Store: a.store}, Published: a.store, Clock: a.clock, Log: a.log}
	report, err := s.Run(ctx)
	c := &aggregate.Combiner{Store: a.store, Published: a.store, Clock: a.clock, Log: a.log}
	combined, wrong := c.Run(ctx)
	return int64(report.Published + report.Finished + combined), errors.Join(failed, err, wrong)
}

func (a *App) partitions(ctx context.Context) (jobs.Result, error) {
	made, ok, err := a.store.MakePartitions(ctx)
	return jobs.Result{Rows: int64(made), Skipped: !ok}, err
}

func (a *App) retention(ctx context.Context) (jobs.Result, error) {
	n, err := a.store.Retain(ctx)
	return jobs.Result{Rows: n}, err
}

// Move implements web.Lab: it moves the one clock, keeps where it stands, and runs
// what has become due. Time may go back only while nothing was sealed, for a
// sealed window can't come again.
func (a *App) Move(ctx context.Context, advance time.Duration, set time.Time) (time.Time, []jobs.Report, error) {
	moved := false
	reports, err := a.jobs.MoveClock(ctx, func() error {
		now := a.lab.Now()
		if set.IsZero() {
			set = now.Add(advance)
		}
		if set.Before(now) {
			sealed, err := a.store.AnySealed(ctx)
			if err != nil {
				return err
			}
			if sealed {
				return fmt.Errorf("%s is before the lab's time %s, and windows have been sealed since: the clock only goes forward",
					set.Format(time.RFC3339), now.Format(time.RFC3339))
			}
		}
		return a.deliverer.StandStill(func() error {
			a.lab.Set(set)
			moved = true
			return a.store.SaveLabOffset(ctx, a.lab.Offset())
		})
	})
	if moved {
		a.wake()
		if err != nil {
			a.log.ErrorContext(ctx, "jobs after the move", "error", err)
		}
		return a.lab.Now(), reports, nil
	}
	return a.lab.Now(), reports, err
}

func metricsHandler(reg *prometheus.Registry) http.Handler {
	return promhttp.HandlerFor(reg, promhttp.HandlerOpts{})
}
