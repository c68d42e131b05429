package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"skand/fixtures/traffic"
	"skand/internal/clock"
	"skand/internal/store"
)

// demoTable is what went through each stage, with what the simulated world knows
// to be true beside it.
type demoTable struct {
	FirstCohortSeconds float64        `json:"first_cohort_seconds"` // 0: none appeared
	Posted             int            `json:"posted"`               // bodies sent to the public listener
	Rejected           int            `json:"rejected"`             // answered 400: no JSON object
	Expected           map[string]int `json:"expected"`             // answers that the truth wants
	WrongAnswers       int            `json:"wrong_answers"`        // answers that differ from it
	store.Counts
	TrueInstalls int         `json:"true_installs"` // install windows that Apple's simulation signed
	S2SLines     int         `json:"s2s_lines"`
	Modeled      demoModeled `json:"modeled"`
	NetworkTook  int         `json:"network_took"`  // deliveries by id that the networks answered 2xx
	NetworkAgain int         `json:"network_again"` // repeats of those
	Conserved    bool        `json:"conserved"`     // see conserved
}

func (d *demo) table(ctx context.Context, w *labWorld) (demoTable, error) {
	c, err := balanced(ctx, w)
	if err != nil {
		return demoTable{}, err
	}
	t := demoTable{
		FirstCohortSeconds: d.first.Seconds(), Posted: w.total(), Rejected: w.sent[traffic.Rejected],
		Expected: map[string]int{}, Counts: c, TrueInstalls: w.truth["install"], S2SLines: w.posted,
	}
	for s, n := range w.sent {
		t.Expected[string(s)] = n
	}
	for a, n := range w.answers {
		if !a.OK() {
			t.WrongAnswers += n
		}
	}
	if t.Modeled, err = w.modeled(ctx); err != nil {
		return demoTable{}, err
	}
	t.NetworkTook, t.NetworkAgain = w.delivered()
	t.Conserved = conserved(c)
	return t, nil
}

// balanced reads the books when they balance. Cut short in the middle of a fortnight
// the last requests and jobs still end, and books read meanwhile tell of both sides
// of them. What does not balance after that is shown as it is.
func balanced(ctx context.Context, w *labWorld) (store.Counts, error) {
	for try := 0; ; try++ {
		c, err := w.counts(ctx)
		if err != nil || conserved(c) || try == 50 {
			return c, err
		}
		<-clock.Real{}.After(100 * time.Millisecond)
	}
}

// conserved: every copy is in one state, and every decoded conversion is in a
// published row or waits for a later window.
func conserved(c store.Counts) bool {
	var states int64
	for _, n := range c.Postbacks {
		states += n
	}
	counted := c.Counted["install"] + c.Counted["reengagement"] + c.Counted["qualifier"]
	return c.Received == states && c.Postbacks["accepted"] == counted+c.Counted["test"] &&
		c.Sealed == c.Published && counted == c.Published+c.Waiting+c.Undecoded
}

func (t demoTable) print(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	line := func(stage, what string, n any, note string) {
		fmt.Fprintf(w, "%s\t%s\t%v\t%s\n", stage, what, n, note)
	}
	fmt.Fprintln(w, "\nSTAGE\tWHAT\tCOUNT\t")
	line("receive", "postbacks posted", t.Posted, fmt.Sprintf("%d answered otherwise than the truth wants", t.WrongAnswers))
	for _, s := range []string{"accepted", "duplicate", "conflict", "quarantined", "unsupported", "dropped"} {
		line("", s, t.Postbacks[s], "")
	}
	line("", "not an object (400)", t.Rejected, "")
	line("count", "install windows", t.Counted["install"], fmt.Sprintf("the phones know of %d", t.TrueInstalls))
	line("", "re-engagements, qualifiers, tests", fmt.Sprint(t.Counted["reengagement"], t.Counted["qualifier"], t.Counted["test"]), "")
	for _, k := range []string{"fine", "coarse", "null", "unset", "unmapped"} {
		line("decode", k, t.Decoded[k], "")
	}
	line("publish", "releases", t.Releases["published"], fmt.Sprintf("%d windows carried, below k", t.Releases["carried"]))
	line("", "rows", t.Rows, "each of at least k installs")
	line("", "installs in them", t.Published, fmt.Sprintf("%d wait for a later window", t.Waiting))
	t.Modeled.print(line)
	line("consented", "clicks, installs, events", fmt.Sprint(t.Clicks, t.Installs["attributed"]+t.Installs["organic"], t.Events),
		fmt.Sprintf("%d installs attributed", t.Installs["attributed"]))
	line("forward", "deliveries made", t.Outbox["delivered"], fmt.Sprintf("%d pending", t.Outbox["pending"]))
	line("", "taken by the networks", t.NetworkTook, fmt.Sprintf("%d twice", t.NetworkAgain))
	line("all", "conserved", t.Conserved, fmt.Sprintf("first cohort after %.1f s", t.FirstCohortSeconds))
	_ = w.Flush() // a terminal that went away
}
