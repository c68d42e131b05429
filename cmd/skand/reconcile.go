package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"skand/forward/reconcile"
	"skand/internal/store"
	"skand/internal/web"
)

// newReconcileCmd is `skand reconcile`.
func newReconcileCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "reconcile", Short: "Compare what networks counted with what we counted for them", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(newReconcileUploadCmd(), newReconcileShowCmd())
	return cmd
}

func newReconcileUploadCmd() *cobra.Command {
	var d reconcile.Defaults
	var dry bool
	cmd := &cobra.Command{
		Use:   "upload FILE.csv --network NETWORK --app APP",
		Short: "Keep a network's own counts and revenue by day and event",
		Long: "upload reads a CSV whose first line names the columns: day, event, campaign_id, count, revenue, currency, or\n" +
			"what networks call them (Date, Event Name, Installs, Conversions, Revenue …). FILE may be - for standard input.\n" +
			"Each day in it takes the place of what the network said of that day before; all of the file is kept, or nothing.",
		Example: "  skand reconcile upload november.csv --network example123.skadnetwork --app 525463029 --zone America/Los_Angeles\n" +
			"  skand reconcile upload today.csv --network example123.skadnetwork --app 525463029 --day 2026-11-02 --dry-run",
		Args: oneFile,
	}
	t := addTargetFlags(cmd)
	cmd.Flags().StringVar(&d.NetworkID, "network", "", "whose figures they are")
	cmd.Flags().Int64Var(&d.AppID, "app", 0, "App Store id of the app")
	cmd.Flags().StringVar(&d.Day, "day", "", "the day, where the file does not name it")
	cmd.Flags().StringVar(&d.TimeZone, "zone", "", "in which the network cuts its days: America/Los_Angeles or UTC-8")
	cmd.Flags().StringVar(&d.Currency, "currency", "", "of revenue, where the file does not name it")
	cmd.Flags().StringVar(&d.Source, "source", "", "where the figures come from (the name of the file)")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "check everything and keep nothing")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		raw, err := readUpload(cmd, args[0])
		if err != nil {
			return err
		}
		if d.Source == "" && args[0] != "-" {
			d.Source = lastName(args[0])
		}
		uploads, warnings, err := parseUpload(raw, &d)
		for _, w := range warnings {
			fmt.Fprintln(cmd.ErrOrStderr(), "skand: warning:", w)
		}
		if err != nil {
			return uploadRefused(cmd.ErrOrStderr(), err)
		}
		kept, err := putUploads(cmd, t, &d, raw, uploads, dry)
		if err != nil {
			return uploadRefused(cmd.ErrOrStderr(), err)
		}
		for _, k := range kept {
			fmt.Fprintf(cmd.OutOrStdout(), "%-7s %s revision %d: %d rows, %d counted\n", k.Action, k.Day, k.Revision, k.RowCount, k.Counted)
		}
		return nil
	}
	return cmd
}

// oneFile takes one argument, a file or -.
func oneFile(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usagef("%s takes one file, or - for standard input; see '%s --help'", cmd.CommandPath(), cmd.CommandPath())
	}
	return nil
}

func readUpload(cmd *cobra.Command, name string) (raw []byte, err error) {
	from := cmd.InOrStdin()
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, usagef("reconcile upload: %w", err)
		}
		defer func() { _ = f.Close() }() // it was read only
		from = f
	}
	return io.ReadAll(io.LimitReader(from, reconcile.MaxBytes+1))
}

func lastName(path string) string {
	return path[strings.LastIndexAny(path, `/\`)+1:]
}

// parseUpload reads the file here too where a server will: every bad line is told
// without a way to it.
func parseUpload(raw []byte, d *reconcile.Defaults) ([]reconcile.Upload, []string, error) {
	var err error
	if d.AppID <= 0 {
		return nil, nil, usagef("reconcile upload: --app: give the App Store id of the app")
	}
	if d.NetworkID, err = reconcile.CheckNetwork(d.NetworkID); err != nil {
		return nil, nil, usagef("reconcile upload: --network: %w", err)
	}
	if d.Day != "" {
		if _, err := reconcile.ParseDay(d.Day, "--day"); err != nil {
			return nil, nil, usagef("reconcile upload: %w", err)
		}
	}
	return reconcile.ParseFile(raw, *d)
}

// uploadRefused prints every line that is wrong, and is wrong usage.
func uploadRefused(w io.Writer, err error) error {
	var refused *reconcile.Refused
	var answered *refusal
	if errors.As(err, &answered) && len(answered.Problems) > 0 {
		refused = &reconcile.Refused{Problems: answered.Problems}
	} else if !errors.As(err, &refused) {
		var usage *exitError
		switch {
		case errors.As(err, &usage):
			return err
		case errors.Is(err, store.ErrNoApp), answered != nil && answered.Code == "not_found":
			return errors.New("reconcile upload: --app: no such app is described; `skand apply` describes it")
		}
		return fmt.Errorf("reconcile upload: %w", err)
	}
	for _, p := range refused.Problems {
		where := p.Field
		if p.Line > 0 {
			where = fmt.Sprintf("line %d, %s", p.Line, p.Field)
		}
		fmt.Fprintf(w, "skand: %s: %s\n", strings.TrimSuffix(where, ", "), p.Message)
	}
	return usagef("reconcile upload: nothing was kept; put right what is named above and upload again")
}

func putUploads(cmd *cobra.Command, t *target, d *reconcile.Defaults, raw []byte, uploads []reconcile.Upload, dry bool) ([]store.ReconciliationKept, error) {
	if !t.remote() {
		app, err := t.app(cmd)
		if err != nil {
			return nil, err
		}
		defer func() { _ = app.Close() }() // what was uploaded is committed
		return app.store.PutReconciliations(cmd.Context(), uploads, dry)
	}
	q := url.Values{"app": {strconv.FormatInt(d.AppID, 10)}, "source": {d.Source}, "dry_run": {strconv.FormatBool(dry)}}
	for name, value := range map[string]string{"currency": d.Currency, "time_zone": d.TimeZone} {
		if value != "" {
			q.Set(name, value)
		}
	}
	path := "/v1/reconciliations/" + url.PathEscape(d.NetworkID)
	if d.Day != "" {
		path += "/" + d.Day
	}
	answer, err := t.send(cmd.Context(), http.MethodPut, path+"?"+q.Encode(), "text/csv", raw)
	if err != nil {
		return nil, err
	}
	var done struct {
		Days []store.ReconciliationKept `json:"days"`
	}
	return done.Days, json.Unmarshal(answer, &done)
}

func newReconcileShowCmd() *cobra.Command {
	var app int64
	var network, from, to, by string
	var asCSV, asJSON bool
	cmd := &cobra.Command{
		Use:   "show --app APP --from DAY --to DAY",
		Short: "Print the differences between a network's figures and ours, with their causes",
		Long: "show prints, for each day, event and campaign that the network tells apart, what we counted for it, what was\n" +
			"delivered, what it counted, and what of the difference each cause explains. --to is excluded.\n" +
			"docs/reconciliation.md says how to read it.",
		Example: "  skand reconcile show --app 525463029 --network example123.skadnetwork --from 2026-11-01 --to 2026-12-01 --group event\n" +
			"  skand reconcile show --app 525463029 --from 2026-11-01 --to 2026-12-01 --csv > november.csv",
		Args: noArgs,
	}
	t := addTargetFlags(cmd)
	cmd.Flags().Int64Var(&app, "app", 0, "App Store id of the app")
	cmd.Flags().StringVar(&network, "network", "", "one network alone")
	cmd.Flags().StringVar(&from, "from", "", "first day")
	cmd.Flags().StringVar(&to, "to", "", "the day after the last")
	cmd.Flags().StringVar(&by, "group", "day,event,campaign", "some of day,event,campaign, or cause")
	cmd.Flags().BoolVar(&asCSV, "csv", false, "print CSV")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		v, err := showReconciled(cmd, t, app, network, from, to, strings.Split(by, ","))
		if err == nil && len(v.Networks) == 0 {
			fmt.Fprintln(cmd.ErrOrStderr(), "skand: nothing to compare: no network has told its figures of these days; see `skand reconcile upload --help`")
		}
		switch {
		case err != nil:
			return err
		case asJSON:
			return json.NewEncoder(cmd.OutOrStdout()).Encode(v)
		case asCSV:
			return v.WriteCSV(cmd.OutOrStdout(), web.Harmless)
		}
		return v.WriteText(cmd.OutOrStdout())
	}
	return cmd
}

func showReconciled(cmd *cobra.Command, t *target, app int64, network, from, to string, by []string) (v reconcile.View, err error) {
	first, wrongFrom := reconcile.ParseDay(from, "--from")
	end, wrongTo := reconcile.ParseDay(to, "--to")
	if err := errors.Join(wrongFrom, wrongTo); err != nil {
		return v, usagef("reconcile show: %w", err)
	}
	if err := reconcile.CheckSpan(first, end); err != nil {
		return v, usagef("reconcile show: --to: %w", err)
	}
	if err := reconcile.CheckGroup(by); err != nil {
		return v, usagef("reconcile show: --group: %w", err)
	}
	if app <= 0 {
		return v, usagef("reconcile show: --app: give the App Store id of the app")
	}
	if t.remote() {
		q := url.Values{"app": {strconv.FormatInt(app, 10)}, "from": {from}, "to": {to}, "group": {strings.Join(by, ",")}}
		if network != "" {
			q.Set("network", network)
		}
		raw, err := t.get(cmd.Context(), "/v1/discrepancies?"+q.Encode())
		if err != nil {
			return v, fmt.Errorf("reconcile show: %w", err)
		}
		return v, json.Unmarshal(raw, &v)
	}
	opened, err := t.app(cmd)
	if err != nil {
		return v, err
	}
	defer func() { _ = opened.Close() }() // nothing was written
	reports, err := opened.store.Discrepancies(cmd.Context(), app, strings.ToLower(network), first, end)
	if err != nil {
		return v, err
	}
	return reconcile.Table(reports, by), nil
}
