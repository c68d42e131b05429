package scoreboard

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// short names of methods, for the heads of tables.
var short = map[string]string{Fallback: "fall-back", OnFull: "on full counts"}

// WriteLines prints the tables of one size: payers/revenue in percent everywhere.
func WriteLines(w io.Writer, title string, lines []Line, methods []string) error {
	t := &table{}
	t.linef("%s", title)
	t.errors(lines, methods)
	t.biases(lines, methods)
	t.intervals(lines)
	return t.write(w)
}

// table is lines of cells, aligned when they are written.
type table struct{ b strings.Builder }

func (t *table) linef(format string, args ...any) { fmt.Fprintf(&t.b, format+"\n", args...) }

func (t *table) row(cells ...string) { t.linef("%s", strings.Join(cells, "\t")) }

// write aligns block by block: an empty line ends one.
func (t *table) write(w io.Writer) error {
	for block := range strings.SplitSeq(strings.TrimRight(t.b.String(), "\n"), "\n\n") {
		aligned := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		if _, err := io.WriteString(aligned, block+"\n\n"); err != nil {
			return fmt.Errorf("write the board: %w", err)
		}
		if err := aligned.Flush(); err != nil {
			return fmt.Errorf("write the board: %w", err)
		}
	}
	return nil
}

func heads(first string, methods []string) []string {
	out := []string{first}
	for _, m := range methods {
		if s, ok := short[m]; ok {
			m = s
		}
		out = append(out, m)
	}
	return out
}

func (t *table) errors(lines []Line, methods []string) {
	t.linef("")
	t.row(append(heads("error of campaign-weeks", methods), "model/floor", "model/best proportional", "null")...)
	for _, l := range lines {
		row := []string{l.Scenario}
		if l.Seeds == 0 {
			t.row(append(row, "no signal")...)
			continue
		}
		for _, m := range methods {
			row = append(row, one(l.Scores[m].Error))
		}
		ours := l.Scores[Ours].Error
		t.row(append(row, two(ours.over(l.Scores[Floor].Error)), two(ours.over(l.bestProportional())), fmt.Sprintf("%.0f %%", l.Null))...)
	}
}

// biases: with their signs, and the mean of their sizes behind it.
func (t *table) biases(lines []Line, methods []string) {
	t.linef("")
	t.row(heads("bias of totals (mean size)", methods)...)
	for _, l := range lines {
		row := []string{l.Scenario}
		for _, m := range methods {
			if s, ok := l.Signed[m]; ok {
				row = append(row, fmt.Sprintf("%+.1f/%+.1f (%s)", s.Payers, s.Revenue, one(l.Scores[m].Bias)))
			}
		}
		t.row(row...)
	}
}

func (t *table) intervals(lines []Line) {
	t.linef("")
	head := []string{"model's 90 % intervals hold", "cell", "campaign", "network", "of"}
	full := len(lines) > 0 && lines[0].Floor != Widths{}
	if full {
		head = append(head, "width/floor's: cell", "campaign", "network")
	} else {
		head = append(head, "payers named", "seen: exact", "in remainders", "lost")
	}
	t.row(head...)
	for _, l := range lines {
		row, of := []string{l.Scenario}, []string{}
		for _, level := range l.levels() {
			row = append(row, fmt.Sprintf("%.0f/%.0f", level.covered.share().Payers, level.covered.share().Revenue))
			of = append(of, fmt.Sprint(level.covered.Intervals))
		}
		row = append(row, strings.Join(of, ", "))
		for _, level := range l.levels() {
			if full {
				row = append(row, two(level.covered.width().over(level.floor)))
			}
		}
		if !full {
			for _, share := range []float64{l.Told.Named, l.Told.Exact, l.Told.Shared, 100 - l.Told.Exact - l.Told.Shared} {
				row = append(row, fmt.Sprintf("%.0f %%", share))
			}
		}
		t.row(row...)
	}
	t.linef("")
}

func one(a Amounts) string { return fmt.Sprintf("%.1f/%.1f", a.Payers, a.Revenue) }

func two(a Amounts) string { return fmt.Sprintf("%.2f/%.2f", a.Payers, a.Revenue) }
