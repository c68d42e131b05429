package pages

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Chart is what the script draws from, beside a table that says the same.
type Chart struct {
	ID      string   `json:"-"`
	Label   string   `json:"-"` // for who does not see it
	Kind    string   `json:"kind"`
	Unit    string   `json:"unit"` // "" counts; else a currency
	Times   []int64  `json:"x"`    // seconds since 1970, of the begin of each period
	Step    int64    `json:"step"` // seconds of a period
	Series  []Series `json:"series"`
	From    int64    `json:"from,omitempty"` // what the table beside is of
	To      int64    `json:"to,omitempty"`
	Group   string   `json:"group"`
	Decimal string   `json:"decimal"`
}

// The kinds of charts.
const (
	ChartStacked = "stacked" // of counts
	ChartCompare = "compare" // observed beside modelled
)

// Series is a line of a chart; nil: nothing is known of that period.
type Series struct {
	Name   string     `json:"name"`
	Means  string     `json:"means"` // observed, modelled, or "" for one of several parts
	Values []*float64 `json:"values"`
	Low    []*float64 `json:"low,omitempty"`
	High   []*float64 `json:"high,omitempty"`
	Least  []bool     `json:"least,omitempty"` // the value is a lower bound: rows withhold some of it
}

// JSON is the chart for its script. html/template writes it into an element that runs
// nothing.
func (c Chart) JSON() json.RawMessage {
	b, err := json.Marshal(c)
	if err != nil {
		return json.RawMessage("{}") // a NaN, which no figure of ours is
	}
	return b
}

// Spark is a small line without axes, as an SVG path in a box of 100 by 24.
type Spark struct {
	Line, Area string
	EndX, EndY string
	Label      string
}

// NewSpark draws values from left to right; nil where fewer than two are known.
func NewSpark(label string, values []float64) *Spark {
	if len(values) < 2 {
		return nil
	}
	top := 0.0
	for _, v := range values {
		top = max(top, v)
	}
	var points []string
	var x, y float64
	for i, v := range values {
		x = 2 + 96*float64(i)/float64(len(values)-1)
		y = 21.0
		if top > 0 {
			y = 21 - 18*v/top
		}
		points = append(points, coordinate(x)+" "+coordinate(y))
	}
	line := "M" + strings.Join(points, "L")
	return &Spark{Line: line, Area: line + "L98 22L2 22Z", EndX: coordinate(x), EndY: coordinate(y), Label: label}
}

func coordinate(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }

// Interval is an estimate with its bounds on a bar of 120 by 14, beside what was
// observed. Positions are of a scale that all bars of a column share.
type Interval struct {
	Low, Width, Mid, Seen string
	HasSeen, HasBounds    bool
}

// NewInterval places values between 0 and top; low, high and seen may be nil.
func NewInterval(estimate float64, low, high, seen *float64, top float64) *Interval {
	if top <= 0 {
		top = 1
	}
	at := func(v float64) float64 { return 4 + 112*min(max(v/top, 0), 1) }
	out := &Interval{Mid: coordinate(at(estimate))}
	if low != nil && high != nil {
		out.HasBounds = true
		out.Low, out.Width = coordinate(at(*low)), coordinate(max(at(*high)-at(*low), 1))
	}
	if seen != nil {
		out.HasSeen, out.Seen = true, coordinate(at(*seen))
	}
	return out
}

// WeekOf writes the period that begins at t.
func WeekOf(t time.Time) string { return fmt.Sprintf("week of %s", t.UTC().Format("2 Jan 2006")) }
