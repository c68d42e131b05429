package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"skand/schema"
)

func newSchemaSuggestCmd() *cobra.Command {
	var o schema.SuggestOptions
	var installs, current, limit string
	cmd := &cobra.Command{
		Use:   "suggest --installs FILE --bands N",
		Short: "Propose revenue bands that fit what installs really spend",
		Long: `Prints a schema whose revenue bands keep each install's estimate as near to what it
spent as N bands can, and on standard error what that gains over equal bands and over
the current version. --json prints one object with both.

Several ways to make bands are tried, each on payers that its bands have not seen, for
what fits a few payers best fits the next ones badly; the way with the least error is
taken. Bands are estimated at their mean, so that totals come out right. With --current the suggestion keeps what
it says beside the bands: the app, values below --from without revenue, reserved
values, lock, and the later windows.

` + installsHelp,
		Example: `  skand schema suggest --installs consented.ndjson --bands 20 --currency USD > draft.json
  skand schema suggest --installs consented.ndjson --bands 40 --from 3 --current live.json --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			asJSON, err := cmd.Flags().GetBool("json")
			if err != nil {
				return err
			}
			if installs == "" {
				return usagef("%s: --installs: is missing; name the file of installs", cmd.CommandPath())
			}
			if limit != "" {
				most, err := schema.ParseMoney(limit)
				if err != nil {
					return usagef("--cap: %.30q %w", limit, err)
				}
				o.Cap = &most
			}
			var e schema.Evidence
			o.Current, e, err = loadEvidence(cmd, "", installs, current)
			if err != nil {
				return err
			}
			s, err := schema.Suggest(e, o)
			if err != nil {
				return usagef("%s: %w", cmd.CommandPath(), err)
			}
			if asJSON {
				err = json.NewEncoder(cmd.OutOrStdout()).Encode(s)
			} else {
				err = printDocument(cmd, s.Document, false)
			}
			if err == nil && !asJSON {
				err = printSuggestion(cmd.ErrOrStderr(), s)
			}
			if err != nil {
				return fmt.Errorf("write the suggestion: %w", err)
			}
			return nil
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&installs, "installs", "", "installs with a known truth, NDJSON")
	fl.IntVar(&o.Bands, "bands", 20, "how many revenue bands")
	fl.StringVar(&o.Currency, "currency", "", "ISO 4217 (default that of --current)")
	fl.StringVar(&o.Event, "event", "", "the event that pays (default that of --current, else purchase)")
	fl.IntVar(&o.From, "from", 1, "fine value of the lowest band")
	fl.StringVar(&limit, "cap", "", "the most that one install may count for (default that of --current)")
	fl.StringVar(&current, "current", "", "schema to start from and to compare with")
	return cmd
}

func printSuggestion(w io.Writer, s schema.Suggestion) error {
	t := newTable(w)
	t.linef("%d installs, %d payers; %s", s.Installs, s.Payers, s.Method)
	t.err = t.end()
	t.linef("value\tfrom\tbelow\testimate\tinstalls")
	for _, b := range s.Bands {
		below := "-"
		if b.Max != nil {
			below = b.Max.String()
		}
		t.linef("%d\t%s\t%s\t%s\t%d", b.Value, b.Min, below, b.Est, b.Installs)
	}
	t.err = t.end()
	currency := s.Document.Currency
	t.linef("these bands\t%s", errorWords(s.Suggested, currency))
	t.linef("equal bands\t%s", errorWords(s.Equal, currency))
	t.linef("best equal bands\t%s", errorWords(s.BestEqual, currency))
	if s.Current != nil {
		t.linef("current version\t%s", errorWords(*s.Current, currency))
	}
	t.err = t.end()
	t.candidates(s.Candidates)
	for _, n := range s.Notes {
		t.linef("note: %s", n)
	}
	return t.end()
}

// shown is how many candidates are printed: the rest is in --json.
const shown = 6

// candidates prints the ways with the least error.
func (t *textTable) candidates(all []schema.TriedTable) {
	made := slices.DeleteFunc(slices.Clone(all), func(c schema.TriedTable) bool { return c.Bands == 0 })
	slices.SortStableFunc(made, func(a, b schema.TriedTable) int { return a.MeanAbsolute.Cmp(b.MeanAbsolute) })
	t.linef("the %d nearest of %d ways tried (all: --json)", min(shown, len(made)), len(all))
	t.linef("off per install\ttotal\tbands\tchosen\tway")
	for _, c := range made[:min(shown, len(made))] {
		chosen := ""
		if c.Chosen {
			chosen = "yes"
		}
		t.linef("%s\t%s\t%d\t%s\t%s", c.MeanAbsolute.Round(4), signed(c.TotalShare), c.Bands, chosen, c.Method)
	}
	t.err = t.end()
}
