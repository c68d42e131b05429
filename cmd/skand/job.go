package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"skand/internal/jobs"
	"skand/internal/store"
)

// newJobCmd is `skand job`.
func newJobCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "job", Short: "Run a cron job now", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(newJobRunCmd())
	return cmd
}

func newJobRunCmd() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "run NAME",
		Short: "Run one job now and wait for it: decode, seal, partitions, retention, health",
		Long: "run does what the schedule would do, also while serve runs: a job that another process is at is waited\n" +
			"for. Exit 0: ok, or skipped because there was nothing for it here; 1: it failed; 2: no such job.",
		Example: "  skand job run seal --json",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("job run: name one job: decode, seal, partitions, retention, health")
			}
			return nil
		},
	}
	t := addTargetFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print {job, status, rows, errors}")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		report, err := runJob(cmd, t, args[0])
		if err != nil {
			return err
		}
		if asJSON {
			err = json.NewEncoder(cmd.OutOrStdout()).Encode(report)
		} else {
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %s, %d rows\n", report.Job, report.Status, report.Rows)
			for _, e := range report.Errors {
				fmt.Fprintln(cmd.ErrOrStderr(), "skand:", e)
			}
		}
		if err == nil && report.Status == jobs.Failed {
			return quietExit(1)
		}
		return err
	}
	return cmd
}

func runJob(cmd *cobra.Command, t *target, name string) (jobs.Report, error) {
	var report jobs.Report
	if t.remote() {
		err := t.post(cmd.Context(), "/v1/jobs/"+name, nil, &report)
		return report, err
	}
	app, err := t.app(cmd)
	if err != nil {
		return report, err
	}
	defer func() { _ = app.Close() }() // what the job did is committed
	states, err := app.jobs.Jobs(cmd.Context())
	if err != nil {
		return report, err
	}
	if slices.ContainsFunc(states, func(s jobs.State) bool { return s.Name == name }) {
		err := app.store.Audit(cmd.Context(), "skand job", store.ActJobRun, 0, "job "+name, map[string]any{})
		if err != nil {
			return report, err
		}
	}
	report, err = app.jobs.RunNow(cmd.Context(), name)
	if errors.Is(err, jobs.ErrUnknownJob) {
		return report, usagef("job run: %w; there are decode, seal, partitions, retention and health", err)
	}
	return report, err
}
