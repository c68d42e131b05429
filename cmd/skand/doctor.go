package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"skand/internal/clock"
	"skand/internal/config"
	"skand/internal/endpoint"
	"skand/internal/store"
)

// newDoctorCmd is `skand doctor`.
func newDoctorCmd() *cobra.Command {
	var address string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check configuration, clock, keys, databases, destinations and the public address, and change nothing",
		Long: "doctor says one line for each check: ok, warn or fail, what was checked, where, what was found and\n" +
			"what to do. It makes no folder, migrates nothing and posts nothing; give it the configuration that\n" +
			"serve has. Names of destinations are resolved, and nothing is sent to them. With --endpoint it asks\n" +
			"for /healthz at the address that Apple posts to, as a stranger would: https, the certificate's name\n" +
			"and end, no redirect, no private address.\n" +
			"Exit 0: ok, perhaps with warnings; 1: something fails; 2: wrong usage.",
		Example: "  skand doctor --config skand.yaml\n  skand doctor --db postgres://skand@db/skand --endpoint https://postbacks.example.com --json",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkEndpointFlag(address); err != nil {
				return err
			}
			d := &doctor{now: clock.Real{}.Now, env: os.Getenv}
			d.examine(cmd, address)
			if err := d.print(cmd.OutOrStdout(), asJSON); err != nil {
				return err
			}
			if d.worst() == levelFail {
				return quietExit(1)
			}
			return nil
		},
	}
	config.AddFlags(cmd.Flags())
	cmd.Flags().StringVar(&address, "endpoint", "", "public https address to try, such as https://postbacks.example.com")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print {result, checks: [{level, check, where, found, todo}]}")
	return cmd
}

func checkEndpointFlag(address string) error {
	if address == "" {
		return nil
	}
	if err := endpoint.Parse(address); err != nil {
		return usagef("doctor: --endpoint %s: %w", address, err)
	}
	return nil
}

// The levels of a check.
const (
	levelOK   = "ok"
	levelWarn = "warn" // it works; somebody should look
	levelFail = "fail" // it does not work
)

// finding is the outcome of one check.
type finding struct {
	Level string `json:"level"`
	Check string `json:"check"` // config, clock, keys, main, published, vault, signin, forward, endpoint
	Where string `json:"where"`
	Found string `json:"found"`
	Todo  string `json:"todo,omitempty"`
}

type doctor struct {
	now      func() time.Time
	env      func(name string) string
	resolver *net.Resolver // nil: the system's
	found    []finding
}

func (d *doctor) say(level, check, where, found, todo string) {
	// Errors of several lines (joined ones) still make one line here.
	d.found = append(d.found, finding{level, check, where, inOneLine(found), todo})
}

func inOneLine(s string) string { return strings.ReplaceAll(strings.TrimSpace(s), "\n", "; ") }

// examine makes all checks. Where the configuration can't be read there is nothing
// else to look at but Apple's keys.
func (d *doctor) examine(cmd *cobra.Command, address string) {
	cfg, err := config.Load(cmd.Flags(), os.Environ())
	d.config(cfg, err)
	if err != nil {
		d.keys(nil, true)
		return
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), time.Minute)
	defer cancel()
	x := store.Examine(ctx, store.Options{Main: cfg.DB, Published: cfg.Published, MasterKey: string(cfg.MasterKey)})
	d.clock(&x)
	d.keys(x.Trusted, cfg.P192)
	d.databases(cfg, &x)
	d.vault(&x)
	d.signIn(ctx, cfg, &x)
	d.destinations(ctx, &x)
	d.endpoint(ctx, address, x.AllowPrivate)
}

func (d *doctor) worst() string {
	worst := levelOK
	for _, f := range d.found {
		if f.Level == levelFail || worst == levelOK {
			worst = f.Level
		}
	}
	return worst
}

func (d *doctor) print(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(struct {
			Result string    `json:"result"`
			Checks []finding `json:"checks"`
		}{d.worst(), d.found})
	}
	for _, f := range d.found {
		line := fmt.Sprintf("%-4s  %-9s  %s: %s", f.Level, f.Check, f.Where, f.Found)
		if f.Todo != "" {
			line += "; " + f.Todo
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}
