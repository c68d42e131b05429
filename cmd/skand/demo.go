package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"skand/internal/auth"
	"skand/internal/clock"
	"skand/internal/config"
)

// newDemoCmd is `skand demo`.
func newDemoCmd() *cobra.Command {
	var o demoOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "The whole system in a throwaway folder, with a simulated Apple before it and networks behind",
		Long: "demo starts the real server on SQLite in a throwaway folder, as a lab. A simulated app and its phones post\n" +
			"signed postbacks (their own key, never Apple's), the app's backend reports consented installs, and two\n" +
			"fake networks take what is forwarded. The lab's clock moves through a fortnight. At the end a table says\n" +
			"what went through each stage; then it serves until Ctrl-C.",
		Example: "  skand demo\n  skand demo --for 30s --json",
		Args:    noArgs,
	}
	cmd.Flags().DurationVar(&o.last, "for", 0, "stop by itself after this long (0: serve until Ctrl-C)")
	cmd.Flags().BoolVar(&o.json, "json", false, "print the table as one JSON object, and nothing else on standard output")
	cmd.Flags().Uint64Var(&o.seed, "seed", 1, "of the simulated world: the same seed, the same postbacks")
	cmd.Flags().IntVar(&o.installs, "n", 2000, "installs in the fortnight")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if o.installs < 1 || o.last < 0 {
			return usagef("demo: --n wants 1 or more, --for 0 or more")
		}
		return o.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
	}
	return cmd
}

type demoOptions struct {
	last     time.Duration
	json     bool
	seed     uint64
	installs int
}

func (o demoOptions) run(ctx context.Context, stdout, stderr io.Writer) error {
	began := clock.Real{}.Now() // how long people wait, which no lab clock shortens
	if o.last > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.last)
		defer cancel()
	}
	dir, err := os.MkdirTemp("", "skand-demo-")
	if err != nil {
		return fmt.Errorf("make a throwaway folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // a temporary folder; the system sweeps what is left
	cfg, err := demoConfig(dir)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	app, err := NewApp(context.WithoutCancel(ctx), cfg, clock.Real{}, log)
	if err != nil {
		return err
	}
	defer func() { _ = app.Close() }() // the folder goes with it
	if err := app.Listen(); err != nil {
		return err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- app.Run(running) }()
	d := &demo{demoOptions: o, began: began, stdout: stdout, stderr: stderr}
	err = d.show(ctx, running, app, string(cfg.AdminToken))
	stop()
	return errors.Join(err, <-ended)
}

func demoConfig(dir string) (config.Config, error) {
	secret := make([]byte, 16)
	_, _ = rand.Read(secret) // never fails: it ends the program instead
	cfg := config.Defaults()
	cfg.DB, cfg.Public, cfg.Admin, cfg.Lab = "sqlite:"+dir, "127.0.0.1:0", "127.0.0.1:0", true
	// The fortnight passes in a minute, and nobody is to sign in again after each day.
	cfg.Sessions = config.Sessions{Idle: 60 * 24 * time.Hour, Lifetime: 90 * 24 * time.Hour}
	cfg.AdminToken = config.Secret(hex.EncodeToString(secret))
	return cfg, cfg.Validate()
}

type demo struct {
	demoOptions
	began          time.Time
	stdout, stderr io.Writer
	first          time.Duration // to the first published cohort
}

// show plays the fortnight, prints the table, and waits for the end. Whatever ends
// it early, the table says how far it got.
func (d *demo) show(ctx, running context.Context, app *App, token string) error {
	// Setting the stage is no part of the show: half a lab would have no table.
	w, err := newLabWorld(running, app, token, d.seed, d.installs)
	if err != nil {
		return err
	}
	defer func() { _ = w.close() }() // fakes, and the program ends
	notes := d.stdout
	if d.json {
		notes = d.stderr
	}
	fmt.Fprintf(notes, "public  %s   postbacks and S2S\nadmin   %s   API and metrics, with the header\n        Authorization: Bearer %s\n", w.public, w.admin, token)
	password, err := d.addAdmin(ctx, app)
	if err != nil {
		return err
	}
	fmt.Fprintf(notes, "pages   %s/sign-in   sign in as %s with the password %s\n", w.admin, demoEmail, password)
	for _, n := range w.networks {
		fmt.Fprintf(notes, "network %s   %s\n", n.URL(), n.Name())
	}
	end := w.start.Add(labFortnight + 2*time.Hour)
	d.follow(ctx, w, end)
	played := w.play(ctx, end)
	if errors.Is(played, context.DeadlineExceeded) || errors.Is(played, context.Canceled) || ctx.Err() != nil {
		played = nil
	}
	if played != nil {
		return played
	}
	if err := d.settle(ctx, w); err != nil {
		return err
	}
	t, err := d.table(running, w)
	if err != nil {
		return err
	}
	if d.json {
		return errors.Join(json.NewEncoder(d.stdout).Encode(t), wait(ctx))
	}
	t.print(d.stdout)
	if ctx.Err() == nil {
		fmt.Fprintf(d.stdout, "\nStill serving; Ctrl-C ends it. Try:\n  curl -H 'Authorization: Bearer %s' '%s/v1/cohorts?app=%d&format=csv'\n", token, w.admin, demoApp)
	}
	return wait(ctx)
}

const demoEmail = "demo@example.com"

// addAdmin lets the one who looks at the demo in. The store goes when the demo ends.
func (d *demo) addAdmin(ctx context.Context, app *App) (password string, err error) {
	password = auth.MakePassword()
	_, err = localUsers{store: app.store, clock: app.clock}.create(context.WithoutCancel(ctx), demoEmail, auth.Admin, nil, password)
	return password, err
}

func wait(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// follow shows progress: a bar on a terminal, a line a day elsewhere.
func (d *demo) follow(ctx context.Context, w *labWorld, end time.Time) {
	var bar *progressbar.ProgressBar
	if isTerminal(d.stderr) {
		bar = progressbar.NewOptions64(int64(end.Sub(w.start)/labStep), progressbar.OptionSetWriter(d.stderr),
			progressbar.OptionSetDescription("a fortnight in the lab"), progressbar.OptionClearOnFinish())
	}
	w.onMove = func(at time.Time) error {
		if d.first == 0 {
			c, err := w.counts(ctx)
			if err != nil {
				return err
			}
			if c.Rows > 0 {
				d.first = clock.Real{}.Now().Sub(d.began)
			}
		}
		if bar != nil {
			return bar.Add(1)
		}
		if at.Hour() == 0 {
			fmt.Fprintf(d.stderr, "lab time %s: %d postbacks posted\n", at.Format("Mon 2006-01-02"), w.total())
		}
		return nil
	}
}

// settle waits until nothing is due at the networks any more.
func (d *demo) settle(ctx context.Context, w *labWorld) error {
	if ctx.Err() != nil {
		return nil
	}
	if _, err := w.app.deliverer.DeliverDue(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

func (w *labWorld) total() int {
	n := 0
	for _, k := range w.sent {
		n += k
	}
	return n
}
