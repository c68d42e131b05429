package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// forward compares what skand delivers to six local endpoints, each attempt durably
// logged, with a bare HTTP loop on the same endpoints at the same concurrency; and
// what five of them get beside one that is 25 times slower with what they get beside
// one that is like them.
func (b *bench) forward(ctx context.Context) error {
	var err error
	for _, kind := range []database{postgres, sqlite} {
		e := b.forwardOn(ctx, kind)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if e != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", kind, e))
		}
	}
	return err
}

// forwarding is one store with six destinations, and the endpoints behind them.
type forwarding struct {
	b     *bench
	d     *disk
	db    string
	token string
	sink  *sink
	sent  int // installs
	total int // deliveries
}

func (b *bench) forwardOn(ctx context.Context, kind database) (err error) {
	d, err := b.disk(ctx, kind, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	f := &forwarding{b: b, d: d}
	if f.sink, err = newSink(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.sink.close()) }()
	if err := f.configure(ctx); err != nil {
		return err
	}
	if err := f.against(ctx, "forward."+string(kind), 0); err != nil {
		return err
	}
	if err := f.against(ctx, "forward."+string(kind)+".paced", sinkPause); err != nil {
		return err
	}
	if err := f.besideSlow(ctx, "forward."+string(kind)+".slow"); err != nil {
		return err
	}
	return f.logged(ctx)
}

// against is the ratio to the bare loop. Both sides' CPU time is all that was used:
// the endpoints', the client's, and on our side skand's and the database's.
func (f *forwarding) against(ctx context.Context, row string, pause time.Duration) error {
	var rates, cpus [2][]float64
	for round := range f.b.sizes.Rounds + 1 { // the first warms up
		for _, i := range order(round, 2) {
			measure := f.bare
			if i == 0 {
				measure = func(ctx context.Context) (float64, float64, error) { return f.deliver(ctx, row, sinks) }
			}
			f.sink.pause(pause, 1) // the measurement before may have ended it
			rate, cpu, err := measure(ctx)
			if err != nil {
				return err
			}
			if round > 0 {
				rates[i] = append(rates[i], rate)
				if cpu > 0 {
					cpus[i] = append(cpus[i], cpu)
				}
			}
		}
	}
	f.b.report.add(row, ratios(rates[0], rates[1]), perSecond(median(rates[0])), perSecond(median(rates[1])))
	if len(cpus[0]) == f.b.sizes.Rounds && len(cpus[1]) == f.b.sizes.Rounds {
		f.b.report.add(row+".cpu", ratios(cpus[0], cpus[1]), micros(median(cpus[0])), micros(median(cpus[1])))
	}
	return nil
}

// besideSlow is what the others get beside a slow endpoint, and beside none.
func (f *forwarding) besideSlow(ctx context.Context, row string) error {
	var rates [2][]float64
	for round := range f.b.sizes.Rounds {
		for _, i := range order(round, 2) {
			f.sink.pause(sinkPause, []int{sinkSlower, 1}[i])
			rate, _, err := f.deliver(ctx, "", sinks-1)
			if err != nil {
				return err
			}
			rates[i] = append(rates[i], rate)
		}
	}
	f.b.report.add(row, ratios(rates[0], rates[1]), perSecond(median(rates[0])), perSecond(median(rates[1])))
	return nil
}

func (f *forwarding) bare(ctx context.Context) (rate, cpu float64, err error) {
	n := f.b.sizes.Forward
	f.sink.expect(n)
	driven := make(chan error, 1)
	go func() { driven <- f.sink.drive(ctx, n) }()
	left, err := f.sink.begun(ctx)
	before, known := cpuSeconds(os.Getpid(), f.d.url)
	if err := errors.Join(err, <-driven); err != nil {
		return 0, 0, err
	}
	after, _ := cpuSeconds(os.Getpid(), f.d.url)
	if known {
		cpu = (after - before) / float64(left)
	}
	return f.sink.rate(sinks), cpu, nil
}

// deliver fills the outbox through a process that only receives, then lets another
// one deliver, and returns the rate at the first many endpoints.
func (f *forwarding) deliver(ctx context.Context, profile string, many int) (rate, cpu float64, err error) {
	n := f.b.sizes.Forward
	if err := f.fill(ctx, n); err != nil {
		return 0, 0, err
	}
	if err := f.rest(ctx); err != nil {
		return 0, 0, err
	}
	f.sink.expect(n)
	var env []string
	if profile = f.profile(profile); profile != "" {
		env = []string{"SKAND_BENCH_PROFILE=" + profile}
	}
	p, err := f.serve(ctx, "admin,jobs,forward", env)
	if err != nil {
		return 0, 0, err
	}
	defer func() {
		if p != nil {
			err = errors.Join(err, p.stop())
		}
	}()
	if err := toggleProfile(profile != "", p); err != nil {
		return 0, 0, err
	}
	left, err := f.sink.begun(ctx)
	if err != nil {
		return 0, 0, err
	}
	began, known := f.used(p)
	if err := f.sink.await(ctx, many); err != nil {
		return 0, 0, err
	}
	rate = f.sink.rate(many)
	f.sink.pause(0, 1) // what is left of a slow one is no part of it
	if err := f.sink.await(ctx, sinks); err != nil {
		return 0, 0, err
	}
	if ended, _ := f.used(p); known {
		cpu = (ended - began) / float64(left)
	}
	err = toggleProfile(profile != "", p)
	stopped := p
	p = nil
	return rate, cpu, errors.Join(err, stopped.stop())
}

// used is the CPU time of the endpoints, the database and the process that delivers.
func (f *forwarding) used(p *process) (seconds float64, known bool) {
	sinks, known := cpuSeconds(os.Getpid(), f.d.url)
	own, _ := cpuSeconds(p.cmd.Process.Pid, "")
	return sinks + own, known
}

func (f *forwarding) profile(row string) string {
	if f.b.profile == "" || row == "" {
		return ""
	}
	return filepath.Join(f.b.profile, row+".pprof")
}

func (f *forwarding) serve(ctx context.Context, roles string, env []string) (*process, error) {
	built, err := f.b.programs(ctx)
	if err != nil {
		return nil, err
	}
	return f.b.launch(built.skand, env, "serve", "--db", f.db, "--roles", roles, "--public", "127.0.0.1:0", "--admin", "127.0.0.1:0")
}

// configure makes the store, the app and its destinations, each with the usual macros
// of an install.
func (f *forwarding) configure(ctx context.Context) (err error) {
	if f.db, err = f.d.place(ctx, "forward"); err != nil {
		return err
	}
	var destinations []any
	for i, url := range f.sink.urls {
		destinations = append(destinations, map[string]any{
			"id": fmt.Sprintf("sink-%d", i), "app_id": benchApp, "kinds": []string{"install"}, "scope": "all", "in_flight": sinkInFlight,
			"url": url + "/pb?id={delivery_id}&e={event_name}&t={event_time_unix}&n={attempt}&c={click_id}",
		})
	}
	bundle, err := json.Marshal(map[string]any{
		"apps": []any{map[string]any{"app_id": benchApp, "name": "Bench"}}, "destinations": destinations,
		"forward": map[string]any{"allow_private_cidrs": []string{"127.0.0.0/8"}},
	})
	if err != nil {
		return err
	}
	file := filepath.Join(f.b.dir, "forward.yaml") // JSON is YAML
	if err := os.WriteFile(file, bundle, 0o600); err != nil {
		return err
	}
	built, err := f.b.programs(ctx)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, built.skand, "apply", "-f", file, "--db", f.db)
	cmd.Env = plainEnviron()
	if err := quiet(cmd); err != nil {
		return fmt.Errorf("apply destinations: %w", err)
	}
	f.token, err = f.b.token(ctx, f.db)
	return err
}

// fill reports n installs, each of which is a delivery to every destination.
func (f *forwarding) fill(ctx context.Context, n int) (err error) {
	p, err := f.serve(ctx, "receive", nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	f.total += n * sinks
	for n > 0 {
		items := make([]string, 0, arrayLength)
		for range min(n, arrayLength) {
			// Authorized, or a destination without a network would not hear of it.
			items = append(items, strings.Replace(consentedItem("installs", f.sent), `"denied"`, `"authorized"`, 1))
			f.sent++
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+p.addr+"/v1/installs", strings.NewReader("["+strings.Join(items, ",")+"]"))
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+f.token)
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		if resp.StatusCode != http.StatusOK {
			err = fmt.Errorf("installs were answered %s", resp.Status)
		}
		if err := errors.Join(err, resp.Body.Close()); err != nil {
			return err
		}
		n -= len(items)
	}
	return nil
}

// rest does what a database does by itself within a minute of being filled. Without
// it PostgreSQL takes the outbox for a small table and reads all that waits at every
// claim.
func (f *forwarding) rest(ctx context.Context) (err error) {
	db, err := f.d.sql(f.db, "skand.db")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return (&stocked{kind: f.d.kind}).settle(ctx, db)
}

// logged makes sure that what was measured is what the row says: each delivery is
// delivered, and has its attempt in the log.
func (f *forwarding) logged(ctx context.Context) (err error) {
	db, err := f.d.sql(f.db, "skand.db")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var delivered, attempts int
	err = db.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM outbox WHERE state = 'delivered'), (SELECT COUNT(*) FROM delivery_attempt WHERE class = 'ok')`).Scan(&delivered, &attempts)
	if err != nil {
		return fmt.Errorf("look at the log: %w", err)
	}
	if delivered != f.total || attempts != f.total {
		return fmt.Errorf("%d deliveries, of which %d are delivered and %d attempts in the log", f.total, delivered, attempts)
	}
	return nil
}
