package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"skand/internal/clock"
)

// Row is one ratio.
type Row struct {
	Name    string    `json:"name"`
	What    string    `json:"what"`
	Ratio   float64   `json:"ratio"` // the median of Rounds
	Rounds  []float64 `json:"rounds"`
	Bar     *Bar      `json:"bar,omitempty"`
	Met     *bool     `json:"met,omitempty"` // only with a bar
	Ours    string    `json:"ours"`          // for people: it depends on the machine
	Against string    `json:"against"`
}

// report is bench.json.
type report struct {
	At      time.Time `json:"at"`
	Commit  string    `json:"commit"`
	Go      string    `json:"go"`
	Cores   int       `json:"cores"`
	Sizes   Sizes     `json:"sizes"`
	Seconds float64   `json:"seconds"`
	Rows    []Row     `json:"rows"`
	LeftOut []string  `json:"left_out"`
}

func newReport(sizes Sizes) *report {
	commit := "unknown"
	if out, err := exec.Command("git", "describe", "--always", "--dirty").Output(); err == nil {
		commit = string(bytes.TrimSpace(out))
	}
	return &report{
		At: clock.Real{}.Now(), Commit: commit, Go: runtime.Version(), Cores: runtime.GOMAXPROCS(0),
		Sizes: sizes, Rows: []Row{}, LeftOut: []string{},
	}
}

func (r *report) add(name string, rounds []float64, ours, against string) {
	what, bar := rule(name)
	row := Row{Name: name, What: what, Ratio: median(rounds), Rounds: rounds, Bar: bar, Ours: ours, Against: against}
	if bar != nil {
		met := bar.Met(row.Ratio)
		row.Met = &met
	}
	r.Rows = append(r.Rows, row)
}

func (r *report) print(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "row\tratio\tbar\tmet\trounds\tleft\tright\twhat")
	met, judged := 0, 0
	for _, row := range r.Rows {
		bar, verdict := "-", "-"
		if row.Bar != nil {
			judged++
			bar, verdict = row.Bar.String(), "no"
			if *row.Met {
				met++
				verdict = "yes"
			}
		}
		fmt.Fprintf(t, "%s\t%.2f\t%s\t%s\t%s\t%s\t%s\t%s\n", row.Name, row.Ratio, bar, verdict, spread(row.Rounds), row.Ours, row.Against, row.What)
	}
	_ = t.Flush() // to a terminal
	fmt.Fprintf(w, "\n%d of %d bars met; commit %s, %s, %d cores, %.0f s. Only ratios mean something: machines are shared.\n",
		met, judged, r.Commit, r.Go, r.Cores, r.Seconds)
	for _, l := range r.LeftOut {
		fmt.Fprintln(w, "left out:", l)
	}
}

// String is the bar as people write it.
func (b Bar) String() string {
	if b.Most > 0 {
		return "<= " + short(b.Most)
	}
	return ">= " + short(b.Least)
}

func short(f float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.2f", f), "0"), ".")
}

func spread(rounds []float64) string {
	if len(rounds) == 1 {
		return "1"
	}
	return fmt.Sprintf("%.2f-%.2f", slices.Min(rounds), slices.Max(rounds))
}

func (r *report) write(file string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}
