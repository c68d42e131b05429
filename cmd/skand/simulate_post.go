package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"skand/fixtures/traffic"
)

// sink takes the traffic. Its finish waits for what is under way and tells how it
// went; summary prints what there is to say about it.
type sink struct {
	send    func(traffic.Sent) error
	finish  func() error
	summary func(io.Writer, traffic.Truth) error
}

// post sends the traffic to a receiver and compares its answers with the truth.
func (f *simulateFlags) post(cmd *cobra.Command) sink {
	poster := traffic.NewPoster(cmd.Context(), f.url, os.Getenv("SKAND_TOKEN"))
	var answers map[traffic.Answer]int
	var skipped int
	finish := func() error {
		var err error
		answers, skipped, err = poster.Close()
		wrong := 0
		for a, n := range answers {
			if !a.OK() {
				wrong += n
			}
		}
		if err == nil && wrong > 0 {
			err = fmt.Errorf("%d answers are not those of the truth; see the table", wrong)
		}
		return err
	}
	return sink{poster.Send, finish, func(w io.Writer, truth traffic.Truth) error {
		return printAnswers(w, truth, answers, skipped)
	}}
}

// printAnswers is the table of what the truth wants against what came back.
func printAnswers(w io.Writer, truth traffic.Truth, answers map[traffic.Answer]int, skipped int) error {
	var b strings.Builder
	b.WriteString("truth\tanswer\tbodies\t\n")
	rows := slices.SortedFunc(maps.Keys(answers), func(a, b traffic.Answer) int {
		return cmp.Or(cmp.Compare(a.Want, b.Want), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Status, b.Status))
	})
	for _, a := range rows {
		remark := ""
		if !a.OK() {
			remark = "NOT as in the truth"
		}
		fmt.Fprintf(&b, "%s\t%d %s\t%d\t%s\n", a.Want, a.Code, a.Status, answers[a], remark)
	}
	if skipped > 0 {
		fmt.Fprintf(&b, "relayed\tleft out, SKAND_TOKEN is not set\t%d\t\n", skipped)
	}
	fmt.Fprintf(&b, "total\t\t%d\t\n", truth.Received)
	return writeTable(w, b.String())
}

// printTruth is the summary of an archive.
func printTruth(w io.Writer, truth traffic.Truth) error {
	var b strings.Builder
	for _, row := range []struct {
		name string
		n    int
	}{
		{"bodies", truth.Received}, {"accepted", truth.Accepted}, {"duplicate", truth.Duplicates},
		{"conflict", truth.Conflicts}, {"quarantined", truth.Quarantined}, {"unsupported", truth.Unsupported},
		{"rejected (400)", truth.Rejected}, {"development-signed", truth.Development},
		{"installs, window 0", truth.Winners[0]}, {"installs, window 1", truth.Winners[1]},
		{"installs, window 2", truth.Winners[2]}, {"re-engagements", truth.Reengagements[0]},
		{"lost", truth.Losers}, {"tests", truth.Test}, {"payers, window 0", truth.Payers},
	} {
		fmt.Fprintf(&b, "%s\t%d\n", row.name, row.n)
	}
	fmt.Fprintf(&b, "revenue, window 0\t%s\n", truth.Revenue.StringFixed(2))
	return writeTable(w, b.String())
}

// writeTable aligns the columns of lines with tabs.
func writeTable(w io.Writer, lines string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, err := io.WriteString(t, lines)
	if err != nil {
		return fmt.Errorf("print table: %w", err)
	}
	err = t.Flush()
	if err != nil {
		return fmt.Errorf("print table: %w", err)
	}
	return nil
}
