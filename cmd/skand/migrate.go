package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"skand/internal/store"
)

const (
	defaultReaders = "skand_bi"
	envBIPassword  = "SKAND_BI_PASSWORD"
)

// newMigrateCmd is `skand migrate`.
func newMigrateCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Bring both databases to this version; only ever forward",
		Long: "serve does this when it starts. migrate does it by itself, for a role that may create tables where\n" +
			"the one that serve runs as may not. The published database is made where it is missing.\n\n" +
			"On PostgreSQL it also makes the role of BI tools: it may read schema bi of the published database\n" +
			"and nothing else. From then on only roles that own the main database, or hold a right on its tables,\n" +
			"may connect to it.",
		Example: "  skand migrate --db postgres://owner@db/skand\n" +
			"  " + envBIPassword + "=… skand migrate --db postgres://owner@db/skand --bi-login metabase",
		Args: noArgs,
	}
	t := addTargetFlags(cmd)
	var readers store.Readers
	var reseal bool
	cmd.Flags().StringVar(&readers.Role, "bi-role", defaultReaders, "group role of BI tools, on PostgreSQL; empty: none is made")
	cmd.Flags().BoolVar(&reseal, "reseal", false, "seal with the first key of "+store.EnvMasterKey+" what another one sealed, so that the others can go")
	cmd.Flags().StringVar(&readers.Login, "bi-login", "", "a role in it that may log in; its password is taken from "+envBIPassword)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if t.remote() {
			return usagef("migrate: --server: it works on --db only")
		}
		if readers.Role == "" && readers.Login != "" {
			return usagef("migrate: --bi-login: it needs a --bi-role")
		}
		readers.Password = os.Getenv(envBIPassword)
		if readers.Role != "" {
			if err := readers.Validate(); err != nil {
				return usagef("migrate: --bi-role, --bi-login: %w", err)
			}
		}
		app, err := t.app(cmd)
		if err != nil {
			return err
		}
		err = migrateReaders(cmd, app, readers)
		if err == nil && reseal {
			err = resealAll(cmd, app)
		}
		return errors.Join(err, app.Close())
	}
	return cmd
}

// migrateReaders is what is left to do when the databases are open, and so migrated.
func migrateReaders(cmd *cobra.Command, app *App, readers store.Readers) error {
	out := cmd.OutOrStdout()
	if _, err := fmt.Fprintln(out, "both databases are at this version"); err != nil {
		return err
	}
	if readers.Role == "" {
		return nil
	}
	report, err := app.store.GrantReaders(cmd.Context(), readers)
	if errors.Is(err, store.ErrMayNotGrant) && !cmd.Flags().Changed("bi-role") && readers.Login == "" {
		// Nobody asked for it: a server where roles are made elsewhere is none to fail on.
		report.Open = append(report.Open, fmt.Sprintf(
			"there is no role for BI tools: let an administrator run CREATE ROLE %s NOLOGIN, then migrate again", readers.Role))
		err = nil
	}
	return errors.Join(tellLines(out, "", report.Done), tellLines(cmd.ErrOrStderr(), "note: ", report.Open), err)
}

// resealAll goes over everything that is sealed, in small transactions beside a
// running server.
func resealAll(cmd *cobra.Command, app *App) error {
	n, err := app.store.Reseal(cmd.Context())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d values sealed anew\n", n)
	return err
}

func tellLines(w io.Writer, prefix string, lines []string) error {
	for _, line := range lines {
		if _, err := fmt.Fprintln(w, prefix+line); err != nil {
			return err
		}
	}
	return nil
}
