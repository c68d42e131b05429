package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"skand/aggregate"
	"skand/conversion"
	"skand/forward"
	"skand/internal/auth"
	"skand/internal/clock"
	"skand/internal/config"
	"skand/internal/jobs"
	"skand/internal/store"
	"skand/internal/web"
	"skand/skan"
)

// App is the whole system of one process, wired. Tests start and stop it whole.
type App struct {
	cfg       config.Config
	log       *slog.Logger
	clock     clock.Clock
	lab       *clock.Movable // nil: no lab
	store     *store.Store
	registry  *prometheus.Registry
	verifier  atomic.Pointer[skan.Verifier]
	reloaded  atomic.Pointer[string] // what reload made verifier and out of
	reloading sync.Mutex
	lookedAt  time.Time // when reload last looked; under reloading
	out       *outgoing
	receiver  *conversion.Receiver
	items     web.Items
	jobs      *jobs.Runner
	deliverer *forward.Deliverer
	signer    *forward.Signer
	auth      *auth.Authenticator
	openID    *web.OpenID // set by Listen; nil: none is configured

	public, admin net.Listener
}

// NewApp opens the stores, brings them up to date and wires everything; nothing
// listens or runs before Run. base is the time that a lab's clock runs with.
func NewApp(ctx context.Context, cfg config.Config, base clock.Clock, log *slog.Logger) (*App, error) {
	mode := store.Production
	if cfg.Lab {
		mode = store.Lab
	}
	return newApp(ctx, cfg, mode, base, log)
}

func newApp(ctx context.Context, cfg config.Config, mode store.LabMode, base clock.Clock, log *slog.Logger) (*App, error) {
	bootstrap, err := auth.BootstrapHash(string(cfg.AdminToken))
	if err != nil {
		return nil, usagef("%w", err)
	}
	s, err := store.Open(ctx, store.Options{
		Main: cfg.DB, Published: cfg.Published, MasterKey: string(cfg.MasterKey), Lab: mode, Clock: base,
	})
	if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	a := &App{cfg: cfg, log: log, clock: base, store: s, registry: prometheus.NewRegistry(), out: &outgoing{}}
	if is, offset := s.Lab(); is {
		a.lab = clock.NewLab(base, offset)
		a.clock = a.lab
		s.UseClock(a.clock)
	}
	if cfg.Jobs["model"] != "" {
		s.AwaitModels(store.ModelPatience)
	}
	a.auth = &auth.Authenticator{Store: s, Clock: a.clock, BootstrapHash: bootstrap}
	if err := a.wire(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return a, nil
}

func (a *App) wire(ctx context.Context) error {
	a.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		&sealedMetrics{store: a.store, now: a.clock.Now, log: a.log}, &alertMetrics{store: a.store, bounds: thresholds(a.cfg.Alerts), log: a.log})
	a.out.reload = a.reload
	a.receiver = &conversion.Receiver{
		Verifier: func() conversion.Verifier { return newestKeys{a} }, Store: a.store, Now: a.clock.Now,
	}
	a.items = web.Items{Intake: &waking{&conversion.Intake{Store: a.store}, a.wake}, Now: a.clock.Now}
	a.signer = a.newSigner()
	a.deliverer = forward.NewDeliverer(forward.Options{
		Credentials: a.signer,
		Outbox:      a.store, Client: &http.Client{Transport: a.out}, Clock: a.clock, Log: a.log,
		Metrics: forward.NewMetrics(a.registry), Drain: a.cfg.Timeouts.Drain,
	})
	if err := a.reload(ctx); err != nil {
		return err
	}
	return a.registerJobs()
}

// wake tells the deliverer that there may be something to send.
func (a *App) wake() { a.deliverer.Wake() }

// Listen opens the listeners, so that their addresses are known before Run.
func (a *App) Listen() error {
	var err error
	if a.openID, err = openID(a.cfg.OIDC, os.Getenv); err != nil {
		return err
	}
	a.public, err = net.Listen("tcp", a.cfg.Public)
	if err != nil {
		return fmt.Errorf("listen on --public %s: %w", a.cfg.Public, err)
	}
	if !a.cfg.Does(config.RoleAdmin) {
		return nil
	}
	a.admin, err = net.Listen("tcp", a.cfg.Admin)
	if err != nil {
		return errors.Join(fmt.Errorf("listen on --admin %s: %w", a.cfg.Admin, err), a.public.Close())
	}
	return nil
}

// PublicURL and AdminURL are where the listeners can be reached on this machine.
func (a *App) PublicURL() string { return urlOf(a.public) }

// AdminURL is "" for a process without the admin role.
func (a *App) AdminURL() string { return urlOf(a.admin) }

func urlOf(l net.Listener) string {
	if l == nil {
		return ""
	}
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return "http://" + l.Addr().String()
	}
	if addr.IP.IsUnspecified() {
		addr = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: addr.Port}
	}
	return "http://" + addr.String()
}

// Run serves until ctx ends, then drains: requests in flight are answered, claims
// are given back, jobs end. Close is the caller's.
func (a *App) Run(ctx context.Context) error {
	metrics := web.NewMetrics(a.registry)
	commits := conversion.NewGroupCommit(a.store, a.store.Committers(), metrics.Committed)
	defer commits.Close() // after the last request has its answer
	g, ctx := errgroup.WithContext(ctx)
	a.serve(ctx, g, a.public, a.publicHandler(metrics, commits))
	if a.admin != nil {
		a.sayHowToBegin(ctx)
		a.serve(ctx, g, a.admin, a.adminHandler())
	}
	if a.cfg.Does(config.RoleJobs) {
		g.Go(func() error { return a.jobs.Run(ctx) })
	}
	if a.cfg.Does(config.RoleForward) {
		g.Go(func() error { return a.deliverer.Run(ctx) })
	}
	g.Go(func() error { return a.keepReloading(ctx) })
	return g.Wait()
}

func (a *App) serve(ctx context.Context, g *errgroup.Group, l net.Listener, h http.Handler) {
	srv := web.NewServer(h, a.cfg.Timeouts, a.log)
	g.Go(func() error {
		err := srv.Serve(l)
		if errors.Is(err, http.ErrServerClosed) {
			return nil
		}
		return fmt.Errorf("serve: %w", err)
	})
	g.Go(func() error {
		<-ctx.Done()
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.cfg.Timeouts.Drain)
		defer cancel()
		if err := srv.Shutdown(drain); err != nil {
			return errors.Join(fmt.Errorf("drain: %w", err), srv.Close())
		}
		return nil
	})
}

// Close closes the stores.
func (a *App) Close() error { return a.store.Close() }

func (a *App) publicHandler(metrics *web.Metrics, receipts conversion.Receipts) http.Handler {
	receiver := *a.receiver
	receiver.Store = receipts
	p := &web.Public{
		Receiver: &receiver, Items: a.items, Auth: a.auth, Ready: a.store.Ready,
		Metrics: metrics, Trusted: a.cfg.Proxies(), Limits: a.cfg.Limits, Log: a.log,
		Mappings: web.NewMappings(a.store, a.clock.Now, a.log),
		Links:    web.NewLinks(a.store, a.items.Intake, os.Getenv, a.clock.Now, a.registry, a.log),
		Keys:     (&keySet{a: a}).read,
		Receive:  a.cfg.Does(config.RoleReceive),
	}
	if a.cfg.P192 {
		p.Old = web.NewOldPostbacks(a.registry, a.clock.Now)
	}
	return p.Handler()
}

func (a *App) adminHandler() http.Handler {
	admin := &web.Admin{
		Reader: a.store, Keeper: a.store, Schemas: a.store, Histograms: a.store, Audit: a.store, Subjects: a.store, Installs: a.store, Reviews: a.store, Reconcile: a.store, Standing: a.store, Templates: a.store, Sender: a.deliverer, Woken: a.wake, Secrets: a.store, Env: os.Getenv, Tokens: a.store, Advice: web.NewAdvice(a.store, a.clock.Now), Jobs: a.jobs, Auth: a.auth, Now: a.clock.Now, Log: a.log,
		Deliveries: a.store, Health: a.store, Thresholds: thresholds(a.cfg.Alerts),
		Metrics: metricsHandler(a.registry), Applied: a.reload,
		Redecoder: &aggregate.Redecoder{Store: a.store, Published: a.store, Clock: a.clock, Log: a.log},
		Explainer: a.store,
		Inspector: a.store, Verifier: a.verifier.Load,
	}
	if a.lab != nil {
		admin.Lab = a
	}
	a.pages(admin)
	a.signIn(admin)
	return admin.Handler()
}

// reloadEvery bounds how long a key or a destination that another process applied
// takes to count here.
const reloadEvery = 2 * time.Second

func (a *App) keepReloading(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-clock.Real{}.After(reloadEvery): // paces a look at the store; decides nothing
		}
		if err := a.reload(ctx); err != nil && ctx.Err() == nil {
			a.log.WarnContext(ctx, "configuration not read again", "error", err)
		}
	}
}
