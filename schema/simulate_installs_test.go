package schema

import (
	"fmt"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

func paid(revenue string) Install {
	r := decimal.RequireFromString(revenue)
	return Install{Revenue: &r}
}

func did(events ...Event) Install { return Install{Events: events} }

// counts prints from-to:installs.
func counts(m MeasuredTable) string {
	var out []string
	for _, v := range m.Values {
		name := v.From
		if v.To != v.From {
			name += "-" + v.To
		}
		out = append(out, fmt.Sprintf("%s:%d", name, v.Installs))
	}
	return strings.Join(out, " ")
}

// off prints estimated/true/mean absolute error.
func off(e *RevenueError) string {
	return fmt.Sprintf("%s/%s/%s", e.Estimated, e.True, e.MeanAbsolute)
}

func TestSimulateInstalls(t *testing.T) {
	t.Parallel()
	draft := bandTable(t, "buy", "0.01,2,4", "")
	current := bandTable(t, "pay", "0.01,10", "")
	s, err := Simulate(draft, current, Evidence{Installs: []Install{
		did(),                                   // value 0
		did(at(1, "buy", "1"), at(2, "x", "0")), // band 1, estimated at 1.005
		did(at(1, "buy", "1"), at(2, "buy", "2")), // 3 together: band 2, estimated at 3
		did(at(1, "x", "5")),                      // revenue that nothing maps
		paid("8"),                                 // the open band, estimated at 20
	}})
	require.NoError(t, err)
	require.Len(t, s.Deterministic, 2)
	fine, coarse := s.Deterministic[0], s.Deterministic[1]
	require.Equal(t, "0:2 1:1 2:1 3:1", counts(fine))
	require.Equal(t, []any{0, KindFine, 5, 1, 4}, []any{fine.Index, fine.Kind, fine.Installs, fine.RevenueOnly, *fine.Payers})
	require.Equal(t, []string{}, fine.Unused)
	// Errors: 0, 0.005, 0, 5, 12.
	require.Equal(t, "24.005/17/3.401", off(fine.Error))
	require.Equal(t, "7.005", fine.Error.Total.String())
	require.Equal(t, "0.412059", fine.Error.TotalShare.String())
	// The current version sees only "pay": all of the events' 9 is missed, the sum
	// alone is taken for a pay of 8, in the band from a cent to 10.
	require.Equal(t, "5.005/17/2.399", off(fine.CurrentError))

	require.Equal(t, "low:2 high:3", counts(coarse))
	// high has no estimate: the mean of 1.005, 3 and 20.
	require.Equal(t, 3, coarse.Error.WithoutEstimate)
	require.Equal(t, "24.005/17", fmt.Sprintf("%s/%s", coarse.Error.Estimated.Round(6), coarse.Error.True))
	require.Contains(t, strings.Join(s.Notes, "\n"), "one purchase before any lock")
	require.NotEmpty(t, s.Changes)
}

func TestSimulateLaterWindows(t *testing.T) {
	t.Parallel()
	d := parsed(t, `{"currency":"USD","windows":[{"index":0,"fine":[{"value":0,"events":[]}],"lock":{"on":"time","value":24}},
		{"index":1,"coarse":{"low":{"events":[]},"high":{"events":[{"name":"buy","revenue_min":"1"}],"revenue_est":"6"}}}]}`)
	s, err := Simulate(d, nil, Evidence{Installs: []Install{
		did(at(0, FirstLaunch, "0"), at(30, "buy", "2"), at(60, "buy", "5"), at(300, "buy", "9")),
		did(at(0, FirstLaunch, "0"), at(60, "buy", "0.50")),
		did(at(0, "buy", "3")), // without its first launch only window 0 is known
	}})
	require.NoError(t, err)
	require.Len(t, s.Deterministic, 2)
	require.Equal(t, "0/5/1.666666667", off(s.Deterministic[0].Error), "what the lock cuts off is missed")
	require.Equal(t, "low:1 high:1", counts(s.Deterministic[1]))
	require.Equal(t, "6/5.5/0.75", off(s.Deterministic[1].Error))

	_, err = Simulate(d, nil, Evidence{Installs: []Install{did(Event{Name: "buy"})}})
	require.ErrorContains(t, err, "installs[0].encode: events[0].time")
}

func TestSimulateNothingSet(t *testing.T) {
	t.Parallel()
	d := parsed(t, `{"currency":"USD","windows":[{"index":0,"fine":[{"value":3,"events":[{"name":"a"}]},{"value":7,"events":[{"name":"b"}]}]}]}`)
	s, err := Simulate(d, nil, Evidence{Installs: []Install{did(), did(at(0, "a", "0"))}})
	require.NoError(t, err)
	require.Equal(t, "3:1 7:0 unset:1", counts(s.Deterministic[0]))
	require.Equal(t, []string{"7"}, s.Deterministic[0].Unused)
}

func TestSimulateRevenueAloneNeedsOnePayingEvent(t *testing.T) {
	t.Parallel()
	two := parsed(t, `{"currency":"USD","windows":[{"index":0,"fine":[{"value":1,"events":[{"name":"a","revenue_min":"1"}]},{"value":2,"events":[{"name":"b","revenue_min":"1"}]}]}]}`)
	_, err := Simulate(two, nil, Evidence{Installs: []Install{paid("0"), paid("3")}})
	require.ErrorContains(t, err, "installs[1].revenue: stands without events, but the schema has several")
	none := parsed(t, `{"windows":[{"index":0,"fine":[{"value":0,"events":[]}]}]}`)
	s, err := Simulate(none, nil, Evidence{Installs: []Install{paid("3")}})
	require.NoError(t, err)
	require.Equal(t, "0/3/3", off(s.Deterministic[0].Error))
	negative := decimal.NewFromInt(-1)
	_, err = Simulate(none, nil, Evidence{Installs: []Install{{Revenue: &negative}}})
	require.ErrorContains(t, err, "installs[0].revenue")
}

// With K no group of fewer installs can be told from the answer.
func TestSimulateKeepsK(t *testing.T) {
	t.Parallel()
	d := bandTable(t, "buy", "0.01,2,4,6,8", "")
	var installs []Install
	add := func(n int, revenue string) {
		for range n {
			installs = append(installs, paid(revenue))
		}
	}
	add(12, "0")
	add(6, "1")
	add(2, "3")
	add(4, "5")
	add(1, "9")
	s, err := Simulate(d, nil, Evidence{Installs: installs, K: 5})
	require.NoError(t, err)
	require.Equal(t, "0:12 1:6 2-5:7", counts(s.Deterministic[0]))
	require.Nil(t, s.Deterministic[0].Unused)
	require.Equal(t, 13, *s.Deterministic[0].Payers)

	s, err = Simulate(d, nil, Evidence{Installs: append(installs[:12:12], installs[24]), K: 5})
	require.NoError(t, err)
	require.Equal(t, "0-5:13", counts(s.Deterministic[0]))
	require.Nil(t, s.Deterministic[0].Payers)
	require.Nil(t, s.Deterministic[0].Error, "one payer's revenue is not an answer")
}
