package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"skand/fixtures/traffic"
)

// post sends the traffic to a receiver. What it returns prints the table of
// answers and closes the connections.
func (f *simulateFlags) post(cmd *cobra.Command) (func(traffic.Sent) error, func() (func(io.Writer, traffic.Truth), error)) {
	poster := traffic.NewPoster(cmd.Context(), f.url, os.Getenv("SKAND_TOKEN"))
	finish := func() (func(io.Writer, traffic.Truth), error) {
		answers, skipped, err := poster.Close()
		wrong := 0
		for a, n := range answers {
			if !a.OK() {
				wrong += n
			}
		}
		if err == nil && wrong > 0 {
			err = fmt.Errorf("%d answers are not those of the truth; see the table", wrong)
		}
		return func(w io.Writer, truth traffic.Truth) { printAnswers(w, truth, answers, skipped) }, err
	}
	return poster.Send, finish
}

// printAnswers is the table of what the truth wants against what came back.
func printAnswers(w io.Writer, truth traffic.Truth, answers map[traffic.Answer]int, skipped int) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "truth\tanswer\tbodies\t")
	rows := slices.SortedFunc(maps.Keys(answers), func(a, b traffic.Answer) int {
		return cmp.Or(cmp.Compare(a.Want, b.Want), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Status, b.Status))
	})
	for _, a := range rows {
		remark := ""
		if !a.OK() {
			remark = "NOT as in the truth"
		}
		fmt.Fprintf(t, "%s\t%d %s\t%d\t%s\n", a.Want, a.Code, a.Status, answers[a], remark)
	}
	if skipped > 0 {
		fmt.Fprintf(t, "relayed\tleft out, SKAND_TOKEN is not set\t%d\t\n", skipped)
	}
	fmt.Fprintf(t, "total\t\t%d\t\n", truth.Received)
	_ = t.Flush() // standard output is gone: nobody to tell
}

// printTruth is the summary of an archive.
func printTruth(w io.Writer, truth traffic.Truth) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
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
		fmt.Fprintf(t, "%s\t%d\n", row.name, row.n)
	}
	fmt.Fprintf(t, "revenue, window 0\t%s\n", truth.Revenue.StringFixed(2))
	_ = t.Flush() // standard output is gone: nobody to tell
}
