package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"

	"skand/aggregate"
	"skand/internal/scoreboard"
)

// scoreboardSize is what was judged of apps of one size.
type scoreboardSize struct {
	Installs      int
	Full          []scoreboard.Line
	Bars          []scoreboard.Bar
	Published     []scoreboard.Line
	PublishedBars []scoreboard.Bar
	window        aggregate.WindowKind
}

// writeScoreboard prints the tables of all sizes, and at the end all bars.
func writeScoreboard(w io.Writer, f *scoreboardFlags, sizes []scoreboardSize) error {
	if _, err := fmt.Fprintf(w, "%d worlds a scenario of %d weeks; payers/revenue, in percent of the truth\n\n", f.seeds, f.weeks); err != nil {
		return fmt.Errorf("write the board: %w", err)
	}
	for _, s := range sizes {
		err := scoreboard.WriteLines(w, s.title("full counts"), s.Full, scoreboard.Methods())
		if err != nil {
			return err
		}
		if s.Published == nil {
			continue
		}
		err = scoreboard.WriteLines(w, s.title("published by "+string(s.window)), s.Published, scoreboard.PriceMethods())
		if err != nil {
			return err
		}
	}
	for _, s := range sizes {
		err := scoreboard.WriteBars(w, s.title("bars on full counts"), s.Bars)
		if err != nil {
			return err
		}
		if s.Published == nil {
			continue
		}
		err = scoreboard.WriteBars(w, s.title("bars on what is published by "+string(s.window)), s.PublishedBars)
		if err != nil {
			return err
		}
	}
	return nil
}

func (s scoreboardSize) title(what string) string {
	return fmt.Sprintf("== %d installs a week, %s", s.Installs, what)
}

// scoreboardJSON is the machine's board; lines are those of internal/scoreboard.
type scoreboardJSON struct {
	Seeds int                  `json:"seeds"`
	Weeks int                  `json:"weeks"`
	Sizes []scoreboardSizeJSON `json:"sizes"`
}

type scoreboardSizeJSON struct {
	Installs  int                     `json:"installs"` // a week
	Full      []scoreboard.LineJSON   `json:"full"`
	Window    aggregate.WindowKind    `json:"window,omitempty"`
	Published []scoreboard.LineJSON   `json:"published,omitempty"`
	Bars      []scoreboard.BarVerdict `json:"bars"`
}

func writeScoreboardJSON(w io.Writer, f *scoreboardFlags, sizes []scoreboardSize) error {
	out := scoreboardJSON{Seeds: f.seeds, Weeks: f.weeks}
	for _, s := range sizes {
		one := scoreboardSizeJSON{
			Installs: s.Installs, Full: scoreboard.LinesJSON(s.Full), Published: scoreboard.LinesJSON(s.Published),
			Bars: scoreboard.Verdicts(append(s.Bars, s.PublishedBars...)),
		}
		if s.Published != nil {
			one.Window = s.window
		}
		out.Sizes = append(out.Sizes, one)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if err := e.Encode(out); err != nil {
		return fmt.Errorf("write the board: %w", err)
	}
	return nil
}

// scoreboardBar counts worlds, on a terminal only.
type scoreboardBar struct{ bar *progressbar.ProgressBar }

func newScoreboardBar(w io.Writer, of int) *scoreboardBar {
	if !isTerminal(w) {
		return &scoreboardBar{}
	}
	return &scoreboardBar{progressbar.NewOptions(of,
		progressbar.OptionSetWriter(w), progressbar.OptionSetDescription("worlds"), progressbar.OptionShowCount(),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())}
}

func (b *scoreboardBar) step() {
	if b.bar != nil {
		_ = b.bar.Add(1) // a bar that can't be drawn stops nothing
	}
}

func (b *scoreboardBar) finish() {
	if b.bar != nil {
		_ = b.bar.Finish() // as above
	}
}
