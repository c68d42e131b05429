// Command skand receives Apple's install postbacks, proves them, decodes and
// publishes them, and forwards conversions. It is the only package that imports
// everything; what it holds is wiring.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(realMain(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// exitError ends the program with its code. A nil err prints nothing: the command
// has already said what there is to say.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// usagef is an error of the caller's words or configuration: exit 2.
func usagef(format string, args ...any) error {
	return &exitError{code: 2, err: fmt.Errorf(format, args...)}
}

// quietExit ends with a code and no message.
func quietExit(code int) error { return &exitError{code: code} }

// realMain runs one command line and returns the exit code: 0 done, 1 failed,
// 2 wrong usage or configuration, 3 where a command documents it.
func realMain(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	var ee *exitError
	if !errors.As(err, &ee) {
		ee = &exitError{code: 1, err: err}
	}
	if ee.err != nil {
		fmt.Fprintln(stderr, "skand:", ee.err)
	}
	return ee.code
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "skand",
		Short:         "Receive, prove, decode, publish and forward Apple's install postbacks",
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("there is no command %q; see 'skand --help'", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cmd.Help()
		},
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%s: %w; see '%s --help'", cmd.CommandPath(), err, cmd.CommandPath())
	})
	root.AddCommand(
		newServeCmd(), newDemoCmd(), newVerifyCmd(), newSchemaCmd(), newApplyCmd(), newExportCmd(), newImportCmd(),
		newSimulateCmd(), newScoreboardCmd(), newJobCmd(), newReplayCmd(), newReconcileCmd(), newDestinationCmd(), newUserCmd(), newTokenCmd(), newSecretCmd(), newMigrateCmd(), newConfigCmd(), newDoctorCmd(),
	)
	return root
}
