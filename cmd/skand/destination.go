package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"skand/forward"
)

// newDestinationCmd is `skand destination`.
func newDestinationCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "destination",
		Short: "Look at destinations, try them, stop and restart them; their templates and versions",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("destination: there is no command %q; see 'skand destination --help'", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newDestinationPresetsCmd(), newDestinationTranslateCmd(), newDestinationRenderCmd(),
		newDestinationListCmd(), newDestinationShowCmd(), newDestinationTestCmd(),
		newDestinationResumeCmd(), newDestinationEnableCmd(), newDestinationDisableCmd(),
		newDestinationVersionsCmd(), newDestinationRollbackCmd())
	return cmd
}

func newDestinationTranslateCmd() *cobra.Command {
	var syntax string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "translate FILE",
		Short: "Turn another program's postback template into one of skand's",
		Long: "translate reads a URL or a body with placeholders such as (event-name) or ${(user_data.idfa)!} and prints it with\n" +
			"macros. What became of every placeholder goes to standard error, one line each; one that has no counterpart is left as\n" +
			"it stands. FILE may be - for standard input.\n" +
			"Exit 0 if every placeholder was translated, 1 if some were not, 2 for wrong usage.",
		Example: "  echo 'https://net.example/pb?cid=(clickid)&e=(event-name)' | skand destination translate -",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("destination translate: name one file, or - for standard input")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := readSchemaInput(cmd, args[0])
			if err != nil {
				return err
			}
			got, notes, err := forward.Translate(string(text), syntax)
			if err != nil {
				return usagef("destination translate: %w", err)
			}
			return answerTranslate(cmd, got, notes, asJSON)
		},
	}
	cmd.Flags().StringVar(&syntax, "syntax", "", forward.SyntaxParens+" or "+forward.SyntaxFreeMarker+" (default: detected)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one object: text, notes")
	return cmd
}

func answerTranslate(cmd *cobra.Command, text string, notes []forward.Note, asJSON bool) error {
	left := 0
	for _, n := range notes {
		if n.Outcome == forward.NoCounterpart {
			left++
		}
	}
	if asJSON {
		enc := json.NewEncoder(cmd.OutOrStdout())
		enc.SetEscapeHTML(false)
		if notes == nil {
			notes = []forward.Note{}
		}
		if err := enc.Encode(map[string]any{"text": text, "notes": notes}); err != nil {
			return err
		}
	} else {
		if _, err := fmt.Fprint(cmd.OutOrStdout(), text); err != nil {
			return err
		}
		for _, n := range notes {
			fmt.Fprintln(cmd.ErrOrStderr(), noteLine(n)) // what cannot be told there cannot be told
		}
	}
	if left > 0 {
		return quietExit(1)
	}
	return nil
}

func noteLine(n forward.Note) string {
	line := fmt.Sprintf("byte %d: %s", n.At, n.Placeholder)
	switch n.Outcome {
	case forward.Translated:
		return line + " is {" + n.Macro + "}"
	case forward.Changed:
		return line + " is {" + n.Macro + "}: " + n.Says
	}
	line += " has no counterpart: " + n.Says
	if n.Nearest != "" {
		line += " (the nearest name is {" + n.Nearest + "})"
	}
	return line
}
