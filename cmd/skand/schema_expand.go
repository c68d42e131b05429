package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"skand/schema"
)

func newSchemaExpandCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "expand FILE",
		Short: "Fill the table of a schema from its layout and print the whole document",
		Long: `Prints the document with the table that its layout (bands, bits, funnel, counts,
retention, fields) stands for; with --json on one line. Rows of other values stay.
What is wrong goes to standard error, one finding a line; then the exit code is 1.
A table with errors is printed all the same, so that they can be found in it.`,
		Example: "  skand schema expand bands.json > full.json\n  skand schema expand bands.yaml | skand schema validate -",
		Args:    oneSchemaFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			oneLine, err := cmd.Flags().GetBool("json")
			if err != nil {
				return err
			}
			text, err := readSchemaInput(cmd, args[0])
			if err != nil {
				return err
			}
			text, err = schemaJSON(args[0], text)
			if err != nil {
				return fmt.Errorf("expand %s: %w", args[0], err)
			}
			doc, err := schema.Parse(text)
			if err != nil {
				return tellFindings(cmd, args[0], err)
			}
			full, err := doc.Expand()
			if err != nil {
				return tellFindings(cmd, args[0], err)
			}
			err = printDocument(cmd, full, oneLine)
			if err != nil {
				return fmt.Errorf("expand %s: %w", args[0], err)
			}
			if gone := droppedRows(doc, full); len(gone) > 0 {
				cmd.PrintErrf("%s: %s: /layout: rows of fine values %s were replaced by nothing; keep them with first or last of the layout\n",
					cmd.CommandPath(), args[0], strings.Join(gone, ", "))
			}
			report := full.Validate()
			if !report.OK {
				return tellFindings(cmd, args[0], &schema.ParseError{Findings: report.Errors})
			}
			return nil
		},
	}
}

// tellFindings prints every finding on a line of its own and ends with exit code 1.
func tellFindings(cmd *cobra.Command, name string, err error) error {
	var all *schema.ParseError
	if !errors.As(err, &all) {
		return fmt.Errorf("expand %s: %w", name, err)
	}
	for _, f := range all.Findings {
		at := f.Pointer
		if at == "" {
			at = "(whole)"
		}
		cmd.PrintErrf("%s: %s: %s: %s (%s)\n", cmd.CommandPath(), name, at, f.Message, f.Code)
	}
	return quietExit(1)
}

func printDocument(cmd *cobra.Command, doc *schema.Document, oneLine bool) error {
	text, err := doc.Canonical()
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if oneLine {
		out.Write(text)
	} else {
		err = json.Indent(&out, text, "", "  ")
		if err != nil {
			return fmt.Errorf("indent: %w", err)
		}
	}
	out.WriteByte('\n')
	_, err = cmd.OutOrStdout().Write(out.Bytes())
	if err != nil {
		return fmt.Errorf("write the document: %w", err)
	}
	return nil
}

// droppedRows lists the fine values that had a row before and have none now.
func droppedRows(before, after *schema.Document) []string {
	var gone []string
	for _, v := range fineValues(before) {
		if !slices.Contains(fineValues(after), v) {
			gone = append(gone, fmt.Sprint(v))
		}
	}
	return gone
}

func fineValues(d *schema.Document) []int {
	var out []int
	for _, w := range d.Windows {
		if w.Index == 0 {
			for _, r := range w.Fine {
				out = append(out, r.Value)
			}
		}
	}
	return out
}
