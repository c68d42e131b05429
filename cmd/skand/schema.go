package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"skand/schema"
)

// newSchemaCmd holds the commands that work on schema files alone.
func newSchemaCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "Check conversion-value schemas, use them, compare them, exchange them",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.PersistentFlags().Bool("json", false, "answer in JSON (decode and encode always do)")
	cmd.AddCommand(
		newSchemaValidateCmd(), newSchemaExpandCmd(), newSchemaEncodeCmd(), newSchemaDecodeCmd(), newSchemaSimulateCmd(),
		newSchemaSuggestCmd(), newSchemaDiffCmd(), newSchemaImportCmd(), newSchemaExportCmd(),
	)
	return cmd
}

func newSchemaValidateCmd() *cobra.Command {
	return &cobra.Command{
		Use:     "validate FILE",
		Short:   "Report everything that is wrong with a schema (exit 0 without errors, else 1)",
		Example: "  skand schema validate puzzle.json\n  skand schema validate --json puzzle.yaml",
		Args:    oneSchemaFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			asJSON, err := cmd.Flags().GetBool("json")
			if err != nil {
				return err
			}
			text, err := readSchemaInput(cmd, args[0])
			if err != nil {
				return err
			}
			report := lintFile(args[0], text)
			err = printSchemaReport(cmd.OutOrStdout(), args[0], report, asJSON)
			if err != nil {
				return fmt.Errorf("write the report: %w", err)
			}
			if !report.OK {
				return quietExit(1)
			}
			return nil
		},
	}
}

func oneSchemaFile(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usagef("%s: give one FILE, or - for standard input", cmd.CommandPath())
	}
	return nil
}

// lintFile checks a schema in JSON or YAML; pointers fit both.
func lintFile(name string, text []byte) schema.Report {
	text, err := schemaJSON(name, text)
	if err != nil {
		return schema.Report{
			Errors:   []schema.Finding{{Code: schema.CodeSyntax, Message: err.Error()}},
			Warnings: []schema.Finding{},
		}
	}
	return schema.Lint(text)
}

func printSchemaReport(w io.Writer, name string, r schema.Report, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(r)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, part := range []struct {
		level    string
		findings []schema.Finding
	}{{"error", r.Errors}, {"warning", r.Warnings}} {
		for _, f := range part.findings {
			at := f.Pointer
			if at == "" {
				at = "(whole)"
			}
			_, err := fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", part.level, f.Code, at, f.Message)
			if err != nil {
				return err
			}
		}
	}
	err := t.Flush()
	if err != nil {
		return err
	}
	verdict := "ok"
	if !r.OK {
		verdict = "not usable"
	}
	_, err = fmt.Fprintf(w, "%s: %s, errors: %d, warnings: %d\n", name, verdict, len(r.Errors), len(r.Warnings))
	return err
}

// readSchemaInput reads FILE, or standard input for -.
func readSchemaInput(cmd *cobra.Command, name string) ([]byte, error) {
	if name == "-" {
		b, err := io.ReadAll(cmd.InOrStdin())
		if err != nil {
			return nil, fmt.Errorf("read standard input: %w", err)
		}
		return b, nil
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, usagef("read FILE: %w", err)
	}
	return b, nil
}

// loadSchema reads a schema file that decodes: one with errors is refused.
func loadSchema(name string) (*schema.Document, error) {
	if name == "" {
		return nil, usagef("--schema: is missing; name the schema file")
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, usagef("--schema: %w", err)
	}
	text, err = schemaJSON(name, text)
	if err != nil {
		return nil, usagef("--schema %s: %w", name, err)
	}
	report := schema.Lint(text)
	if !report.OK {
		f := report.Errors[0]
		return nil, usagef("--schema %s: %d errors, the first %s at %q: %s; see 'skand schema validate'",
			name, len(report.Errors), f.Code, f.Pointer, f.Message)
	}
	doc, err := schema.Parse(text)
	if err != nil {
		return nil, usagef("--schema %s: %w", name, err)
	}
	return doc, nil
}

// maxSchemaLine bounds one line of input.
const maxSchemaLine = 1 << 20

// answerSchemaLines answers every line of NDJSON with one line. A bad line is named on
// standard error and the others are still answered; then the exit code is 1.
func answerSchemaLines(cmd *cobra.Command, args []string, answer func(line []byte) (any, error)) error {
	in := cmd.InOrStdin()
	if len(args) > 1 {
		return usagef("%s: give one FILE, or - for standard input", cmd.CommandPath())
	}
	if len(args) == 1 && args[0] != "-" {
		f, err := os.Open(args[0])
		if err != nil {
			return usagef("read FILE: %w", err)
		}
		defer func() { _ = f.Close() }() // only read from
		in = f
	}
	out := bufio.NewWriter(cmd.OutOrStdout())
	enc := json.NewEncoder(out)
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxSchemaLine)
	bad, n := false, 0
	for lines.Scan() {
		n++
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		a, err := answer(line)
		if err != nil {
			bad = true
			cmd.PrintErrf("%s: line %d: %s\n", cmd.CommandPath(), n, err)
			continue
		}
		err = enc.Encode(a)
		if err != nil {
			return fmt.Errorf("write an answer: %w", err)
		}
	}
	err := out.Flush()
	if err != nil {
		return fmt.Errorf("write the answers: %w", err)
	}
	err = lines.Err()
	if errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf("line %d: is longer than %d bytes; split it", n+1, maxSchemaLine)
	}
	if err != nil {
		return fmt.Errorf("read line %d: %w", n+1, err)
	}
	if bad {
		return quietExit(1)
	}
	return nil
}
