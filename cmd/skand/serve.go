package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"

	"github.com/spf13/cobra"

	"skand/internal/clock"
	"skand/internal/config"
	"skand/internal/store"
)

// newServeCmd is `skand serve`.
func newServeCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Receive postbacks, run the jobs, serve the API and forward conversions",
		Long: "serve listens on two addresses: --public for Apple, networks and your servers, --admin for people\n" +
			"and tools. The first line on standard output is {\"ready\":true,\"public\":…,\"admin\":…}; the log goes\n" +
			"to standard error. SIGTERM ends it within 10 s, and nothing that was answered 200 is lost.",
		Example: "  skand serve\n  skand serve --db postgres://skand@db/skand --public :8080 --admin 127.0.0.1:8081",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load(cmd.Flags(), os.Environ())
			if err != nil {
				return usagef("%w", err)
			}
			app, err := NewApp(cmd.Context(), cfg, clock.Real{}, newLogger(cfg, cmd.ErrOrStderr()))
			if err != nil {
				return openFailed(err)
			}
			defer func() { _ = app.Close() }() // what was answered is committed already
			if err := app.Listen(); err != nil {
				return err
			}
			if err := printReady(cmd.OutOrStdout(), app); err != nil {
				return err
			}
			ballast := make([]byte, ballastBytes)
			defer runtime.KeepAlive(ballast)
			return app.Run(cmd.Context())
		},
	}
	config.AddFlags(cmd.Flags())
	return cmd
}

// ballastBytes are allocated and never touched, so they cost addresses, no memory.
// The collector runs when the heap has doubled: beside so few live bytes as serve
// has, that would be every few hundred postbacks, a sixth of the CPU time.
const ballastBytes = 32 << 20

// openFailed tells a wrong configuration (exit 2) from a store that is not there.
func openFailed(err error) error {
	if errors.Is(err, store.ErrNotLab) || errors.Is(err, store.ErrIsLab) {
		return usagef("lab: %w", err)
	}
	return err
}

func printReady(w io.Writer, app *App) error {
	line, err := json.Marshal(struct {
		Ready  bool   `json:"ready"`
		Public string `json:"public"`
		Admin  string `json:"admin"`
	}{true, app.PublicURL(), app.AdminURL()})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(w, string(line))
	return err
}

// newLogger writes to standard error, as the configuration says.
func newLogger(cfg config.Config, w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.Log.Level)); err != nil {
		level = slog.LevelInfo
	}
	o := &slog.HandlerOptions{Level: level}
	if cfg.Log.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}
