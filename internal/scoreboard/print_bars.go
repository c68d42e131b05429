package scoreboard

import (
	"fmt"
	"io"
)

// WriteBars prints every bar of one size, met or not met and by how much, with each
// scenario that misses it.
func WriteBars(w io.Writer, title string, bars []Bar) error {
	t := &table{}
	t.linef("%s", title)
	t.linef("")
	t.row("bar", "", "met in", "worst", "", "")
	for _, s := range Summarize(bars) {
		b := s.Worst
		t.row(b.Name, b.limits(), fmt.Sprintf("%d of %d", s.Of-len(s.Failed), s.Of), b.Scenario, fmt.Sprintf("%.2f", b.Value), b.verdict())
		for _, f := range s.Failed {
			if f.Scenario != b.Scenario {
				t.row("", f.limits(), "", f.Scenario, fmt.Sprintf("%.2f", f.Value), f.verdict())
			}
		}
	}
	return t.write(w)
}

func (b Bar) limits() string {
	switch {
	case b.Least == 0:
		return fmt.Sprintf("at most %g", b.Most)
	case b.Most == 100:
		return fmt.Sprintf("at least %g", b.Least)
	}
	return fmt.Sprintf("%g to %g", b.Least, b.Most)
}

func (b Bar) verdict() string {
	switch {
	case b.Met():
		return fmt.Sprintf("met, by %.2f", -b.Off())
	case b.Chance():
		return fmt.Sprintf("NOT met, by %.2f (chance, of %d intervals)", b.Off(), b.Intervals)
	}
	return fmt.Sprintf("NOT met, by %.2f", b.Off())
}
