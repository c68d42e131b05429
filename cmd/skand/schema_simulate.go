package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"skand/schema"
)

func newSchemaSimulateCmd() *cobra.Command {
	var histogram, current, installs string
	cmd := &cobra.Command{
		Use:   "simulate FILE",
		Short: "Try a draft on published histograms and on installs with a known truth",
		Long: `Says what a draft (FILE) would make of installs: how many each value would have,
which values nobody would have, payers and revenue, how far the bands are from what
installs really spent, and what changes against the current version.

--histogram takes the published counts of values, JSON {"currency","rows":[{"index":0,
"kind":"fine","value":12,"installs":240}]} or CSV with those columns. Kind is fine,
coarse, null, unset or unmapped; value_from and value_to are a merged bin; no installs
means withheld. It was counted under the schema of --current; without one, FILE
itself. An install behind a value may have any amount of its band: the estimate
spreads them evenly, min and max hold without that.

` + installsHelp,
		Example: `  skand schema simulate draft.json --histogram week46.csv --current live.json
  skand schema simulate draft.json --installs consented.ndjson --json`,
		Args: oneSchemaFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			asJSON, err := cmd.Flags().GetBool("json")
			if err != nil {
				return err
			}
			if histogram == "" && installs == "" {
				return usagef("%s: --histogram, --installs: give one of them, or both", cmd.CommandPath())
			}
			draft, err := parseSchemaFile(cmd, args[0])
			if err != nil {
				return err
			}
			live, e, err := loadEvidence(cmd, histogram, installs, current)
			if err != nil {
				return err
			}
			s, err := schema.Simulate(draft, live, e)
			if err != nil {
				return usagef("%s: %w", args[0], err)
			}
			if asJSON {
				err = json.NewEncoder(cmd.OutOrStdout()).Encode(s)
			} else {
				err = printSimulation(cmd.OutOrStdout(), s)
			}
			if err != nil {
				return fmt.Errorf("write the simulation: %w", err)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&histogram, "histogram", "", "counts of values, JSON or (by its name) .csv")
	cmd.Flags().StringVar(&current, "current", "", "schema that the histogram was counted under, and to compare with")
	cmd.Flags().StringVar(&installs, "installs", "", "installs with a known truth, NDJSON")
	return cmd
}

// loadEvidence reads the files that are named; "" is none.
func loadEvidence(cmd *cobra.Command, histogram, installs, current string) (live *schema.Document, e schema.Evidence, err error) {
	if current != "" {
		live, err = parseSchemaFile(cmd, current)
		if err != nil {
			return nil, e, err
		}
	}
	if histogram != "" {
		h, err := loadHistogram(histogram)
		if err != nil {
			return nil, e, err
		}
		e.Histograms = []schema.Histogram{*h}
	}
	if installs != "" {
		e.Installs, err = loadInstalls(cmd, installs)
		if err != nil {
			return nil, e, err
		}
	}
	return live, e, nil
}

func loadHistogram(name string) (*schema.Histogram, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, usagef("--histogram: %w", err)
	}
	read := schema.ParseHistogram
	if strings.EqualFold(filepath.Ext(name), ".csv") {
		read = schema.ParseHistogramCSV
	}
	h, err := read(text)
	if err != nil {
		return nil, usagef("--histogram %s: %w", name, err)
	}
	return h, nil
}
