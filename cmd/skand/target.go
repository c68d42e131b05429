package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"skand/forward/reconcile"
	"skand/internal/clock"
	"skand/internal/config"
	"skand/internal/store"
)

// noArgs refuses arguments as wrong usage (exit 2).
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("%s takes no argument, got %q; see '%s --help'", cmd.CommandPath(), args[0], cmd.CommandPath())
	}
	return nil
}

// target is where a command works: a database that it opens itself, or the admin
// listener of a running server.
type target struct {
	server, token string
}

// addTargetFlags adds --db, --published, --config, and --server with --token.
func addTargetFlags(cmd *cobra.Command) *target {
	t := &target{}
	config.AddDBFlags(cmd.Flags())
	cmd.Flags().StringVar(&t.server, "server", "", "admin address of a running server, instead of --db")
	cmd.Flags().StringVar(&t.token, "token", os.Getenv("SKAND_TOKEN"), "bearer token for --server (SKAND_TOKEN)")
	cmd.Flags().Lookup("token").DefValue = "" // a secret is no default to print
	return t
}

func (t *target) remote() bool { return t.server != "" }

// app opens the stores as they are, for a command that works on them beside a
// running server.
func (t *target) app(cmd *cobra.Command) (*App, error) {
	cfg, err := config.Load(cmd.Flags(), os.Environ())
	if err != nil {
		return nil, usagef("%w", err)
	}
	log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	app, err := newApp(cmd.Context(), cfg, store.AsIs, clock.Real{}, log)
	if err != nil {
		return nil, openFailed(err)
	}
	return app, nil
}

// maxAnswer bounds what is read of an answer: an export of many apps is the largest.
const maxAnswer = 256 << 20

// post sends JSON to the admin listener and reads JSON back.
func (t *target) post(ctx context.Context, path string, body, into any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	answer, err := t.call(ctx, http.MethodPost, path, raw)
	if err != nil {
		return err
	}
	return json.Unmarshal(answer, into)
}

// get reads from the admin listener.
func (t *target) get(ctx context.Context, path string) ([]byte, error) {
	return t.call(ctx, http.MethodGet, path, nil)
}

func (t *target) call(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	return t.send(ctx, method, path, "application/json", body)
}

// send is call with a body of any type, and with names and values of headers.
func (t *target) send(ctx context.Context, method, path, contentType string, body []byte, headers ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	url := strings.TrimSuffix(t.server, "/") + path
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, usagef("--server %s: %w", t.server, err)
	}
	if len(body) > 0 {
		req.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	if t.token != "" {
		req.Header.Set("Authorization", "Bearer "+t.token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("reach --server: %w", err)
	}
	defer func() { _ = resp.Body.Close() }() // read to its end or not worth more
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read the answer of %s: %w", url, err)
	}
	if resp.StatusCode/100 != 2 {
		p := &refusal{status: resp.StatusCode}
		if json.Unmarshal(answer, p) != nil || p.Detail == "" {
			return nil, fmt.Errorf("%s answered %s", url, resp.Status)
		}
		return nil, p
	}
	return answer, nil
}

// refusal is an answer of the admin listener that is none of 2xx (RFC 9457).
type refusal struct {
	Detail   string              `json:"detail"`
	Code     string              `json:"code"`
	Field    string              `json:"field"`
	Problems []reconcile.Problem `json:"problems"` // of an upload: every line that is wrong
	status   int
}

// Error says what the server says, and of a token that is not taken what to do.
func (r *refusal) Error() string {
	switch r.status {
	case http.StatusUnauthorized:
		return r.Detail + "; give --token, or set SKAND_TOKEN"
	case http.StatusForbidden:
		return r.Detail + "; give another --token (skand token create --role ROLE)"
	}
	return r.Detail
}
