package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"skand/conversion"
	"skand/internal/store"
)

// newReplayCmd is `skand replay`.
func newReplayCmd() *cobra.Command {
	var states []string
	var dry bool
	cmd := &cobra.Command{
		Use:   "replay",
		Short: "Verify stored bodies again, after a key or a version was added",
		Long: "replay reads the raw bodies that were not believed and verifies them with the keys that are trusted now.\n" +
			"What verifies claims its identity and counts from now on, in the window that is open; a second copy of it\n" +
			"is a duplicate as ever. It prints how many are in which state now. Deliveries are not touched: those are\n" +
			"sent again by 'skand replay deliveries'.",
		Example: "  skand replay --dry-run\n  skand replay --state unsupported,quarantined",
		Args:    noArgs,
	}
	t := addTargetFlags(cmd)
	cmd.Flags().StringSliceVar(&states, "state", []string{"unsupported"}, "unsupported, quarantined")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "store nothing: tell what verification says")
	cmd.AddCommand(newReplayDeliveriesCmd())
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if t.remote() {
			return usagef("replay: --server: it works on --db only")
		}
		var f conversion.ReplayFilter
		for _, s := range states {
			switch st := conversion.State(s); st {
			case conversion.Unsupported, conversion.Quarantined:
				f.States = append(f.States, st)
			default:
				return usagef("replay: --state %q: want unsupported or quarantined", s)
			}
		}
		app, err := t.app(cmd)
		if err != nil {
			return err
		}
		defer func() { _ = app.Close() }() // what was replayed is committed
		if !dry {
			err := app.store.Audit(cmd.Context(), "skand replay", store.ActReplay, 0, "postbacks", map[string]any{"states": states})
			if err != nil {
				return err
			}
		}
		done, err := conversion.Replay(cmd.Context(), app.store, app.verifier.Load(), f, dry)
		if err != nil {
			return err
		}
		line, err := json.Marshal(done)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(cmd.OutOrStdout(), string(line))
		return err
	}
	return cmd
}
