package store

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/aggregate"
	"skand/internal/noise"
)

// average is what an attacker makes of many answers to one question.
func average(t *testing.T, ask func() float64) float64 {
	t.Helper()
	sum := 0.0
	for range 1000 {
		sum += ask()
	}
	return sum / 1000
}

// TestAttackAsksAThousandTimes: whoever may ask again gets rid of the noise. A publisher
// that draws for each question gives the true count away; ours gives the same answer a
// thousand times, and a second draw is refused.
func TestAttackAsksAThousandTimes(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		const us = 31
		naive := average(t, func() float64 {
			n, err := noise.Laplace{}.Count(us, 1)
			require.NoError(t, err)
			return float64(n)
		})
		require.InDelta(t, us, math.Round(naive), 1e-9, "the attack works where it can")

		in.crossing("1", countries)
		in.from("US", crowd{tag: "a", n: us, at: start})
		in.from("FR", crowd{tag: "b", n: 40, at: start})
		in.nextWeek()
		in.sealWith(noise.Laplace{})
		first, ledger := in.crossed(), in.ledgerLines()
		require.Len(t, first, 3)
		question := `SELECT COALESCE(installs, -1) FROM ` + in.s.pub.table("cohort_crossing") + ` WHERE view = 'country' AND value = 'US'`
		answers := map[float64]bool{}
		average(t, func() float64 {
			n := float64(count(t, in.s.pub.r, question))
			answers[n] = true
			return n
		})
		require.Len(t, answers, 1, "the same answer")

		// Everything that might draw again.
		for range 5 {
			require.Zero(t, in.sealWith(noise.Laplace{}))
		}
		in.crossing("4", countries, aggregate.Crossing{View: aggregate.CrossDigits})
		require.Zero(t, in.sealWith(noise.Laplace{}))
		in.sql(`DELETE FROM app`)
		in.sql(`DELETE FROM app_setting`)
		in.crossing("4", countries)
		require.Zero(t, in.sealWith(noise.Laplace{}))
		require.Equal(t, first, in.crossed())
		require.Equal(t, ledger, in.ledgerLines())
	})
}

// TestAttackSecondDrawIsRefused: even with the base release's line gone from the ledger,
// and its rows open again, the charge stands in the way of another draw.
func TestAttackSecondDrawIsRefused(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.crossing("1", countries)
		in.from("US", crowd{tag: "a", n: 31, at: start})
		in.nextWeek()
		in.sealWith(noise.Laplace{})
		first := in.crossed()
		in.sql(`DELETE FROM release_ledger WHERE view = 'cohort'`)
		in.sql(`UPDATE counted_postback SET sealed_in = NULL`)
		s := in.sealer()
		s.Noise = noise.Laplace{}
		_, err := s.Run(t.Context())
		var refused *aggregate.InTheWayError
		require.ErrorAs(t, err, &refused)
		w := aggregate.WindowAt(aggregate.Week, start)
		id := fmt.Sprintf("%d.0.install.production.2026-11-02.week.crossing/country.base.0", testApp)
		require.Equal(t, &aggregate.InTheWayError{Release: id, Window: w, InTheWay: id, State: aggregate.StateCharged}, refused)
		require.Empty(t, in.dump(`SELECT 1 FROM release_ledger WHERE view = 'cohort'`), "all of it or nothing")
		require.Equal(t, first, in.crossed())
	})
}

// TestAttackCrossingAsBIRole: readers see the noised views after `skand migrate`, and
// change nothing in them.
func TestAttackCrossingAsBIRole(t *testing.T) {
	onGranting(t, func(t *testing.T, g granting) {
		g.crossing("1", countries)
		g.from("US", crowd{tag: "a", n: 60, at: start})
		g.nextWeek()
		g.sealWith(noise.Laplace{})
		g.grant()
		bi := g.as(g.published, g.readers.Login)
		require.Equal(t, int64(3), count(t, bi, `SELECT COUNT(*) FROM cohort_crossing`))
		require.Empty(t, smallCounts(t, bi, "bi.", 10, 3))
		for _, text := range []string{
			`UPDATE cohort_crossing SET installs = 1`, `DELETE FROM cohort_crossing`, `INSERT INTO cohort_crossing SELECT * FROM cohort_crossing`,
			`SELECT * FROM public.release_ledger`, `SELECT publisher FROM counted_postback`,
		} {
			_, err := bi.ExecContext(t.Context(), text)
			require.Error(t, err, text)
			require.Regexp(t, "permission denied|does not exist", err.Error(), text)
		}
		g.rowsLieInOrder(bi)
	})
}

// TestCrossingSurvivesEveryCrash kills the sealer at each call, before its effect and
// after it. What was drawn in the draw that the ledger holds is published, once.
func TestCrossingSurvivesEveryCrash(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.crossing("1", countries)
		// The calls of a run: Pending, Open, NextCounted, Counted, Prepare, Publish,
		// MarkPublished, NextCounted.
		const prepare, calls = 5, 8
		for dies := 1; dies <= calls; dies++ {
			for _, after := range []bool{false, true} {
				at := in.now.Now()
				tag := fmt.Sprint(dies, after)
				in.from("US", crowd{tag: tag, n: 20, at: at})
				in.nextWeek()
				n, m := &numbered{}, &mortal{Store: in.s, dies: dies, after: after}
				s := in.sealer()
				s.Noise, s.Store, s.Published = n, m, m
				_, err := s.Run(t.Context())
				require.ErrorIs(t, err, errCrash, tag)
				drawn := 3
				if dies < prepare {
					require.Zero(t, n.draws, tag)
				} else {
					require.Equal(t, drawn, n.draws, tag)
				}
				kept := in.dump(`SELECT payload FROM release_ledger WHERE state = 'prepared'`)
				_, err = s.Run(t.Context())
				require.NoError(t, err, tag)
				second := 2 // the draw of US
				if dies == prepare && !after {
					second, drawn = second+3, 6 // nothing of the first draw was kept
				}
				require.Equal(t, drawn, n.draws, "%s: no draw beside the one that is kept", tag)
				lines := in.crossed()
				us := lines[len(lines)-2]
				require.Contains(t, us, fmt.Sprintf("|US|%d|", 20+second), tag)
				if len(kept) > 0 {
					require.Contains(t, kept[0], fmt.Sprintf(`"installs":%d,"epsilon":"1"`, 20+second), tag)
				}
				require.Equal(t, 3, strings.Count(strings.Join(lines, "\n"), at.Format(time.DateOnly)), "%s: published once", tag)
			}
		}
		require.Len(t, in.charged(), 2*calls)
		require.Equal(t, int64(2*calls), in.countAll().Releases["published"])
	})
}
