package forward

import "time"

// ResponseTime is how long receivers' 2xx answers took, in milliseconds from the writing
// of a delivery. The mean is exact, a percentile within 1/32.
type ResponseTime struct {
	Mean int64 `json:"mean_ms"`
	P50  int64 `json:"p50_ms"`
	P95  int64 `json:"p95_ms"`
}

// Figures are those of docs/delivery-log.md for one span. A rate of nothing is null.
type Figures struct {
	Eligible     int64         `json:"eligible"`
	Delivered    int64         `json:"delivered"`
	Refused      int64         `json:"refused"`
	Expired      int64         `json:"expired"`
	Waiting      int64         `json:"waiting"`
	DeliveryRate *float64      `json:"delivery_rate"`
	DropRate     *float64      `json:"drop_rate"`
	Response     *ResponseTime `json:"response_time"`
	Attempted
	RetryRate *float64 `json:"retry_rate"`
}

// Queue is what waits at a destination now.
type Queue struct {
	Pending   int64   `json:"pending"`
	Held      int64   `json:"held"`
	Gone      int64   `json:"gone"`
	OldestDue float64 `json:"oldest_due_seconds"` // since the oldest of them was first due; 0: none is
}

// Point is the figures of an hour or a day.
type Point struct {
	At time.Time `json:"at"` // its begin, UTC
	Figures
}

// Health is a destination's figures over a span of whole hours.
type Health struct {
	DestinationID string        `json:"destination"`
	AppID         int64         `json:"app_id"`
	NetworkID     string        `json:"network,omitempty"`
	From          time.Time     `json:"from"`
	To            time.Time     `json:"to"`
	AsOf          *time.Time    `json:"as_of"` // when the hours were counted last; null: never
	Figures       Figures       `json:"figures"`
	Queue         Queue         `json:"queue"`
	Deduplicated  *Deduplicated `json:"deduplicated,omitempty"` // of its app's installs and events
	Discrepancy   *Discrepancy  `json:"discrepancy,omitempty"`
	Untold        string        `json:"discrepancy_untold,omitempty"` // why there is none
	Series        []Point       `json:"series,omitempty"`
}

// NewFigures works the figures out.
func NewFigures(t Tally, a Attempted) Figures {
	f := Figures{
		Eligible: t.Eligible, Delivered: t.Delivered, Refused: t.Refused, Expired: t.Expired, Waiting: t.Waiting(),
		DeliveryRate: t.DeliveryRate(), DropRate: t.DropRate(), Attempted: a, RetryRate: a.RetryRate(),
	}
	if f.ByClass == nil {
		f.ByClass, f.ByStatus = map[Class]int64{}, map[int]int64{}
	}
	if r := t.Responses; r.N > 0 {
		f.Response = &ResponseTime{r.Mean().Milliseconds(), r.Percentile(.5).Milliseconds(), r.Percentile(.95).Milliseconds()}
	}
	return f
}

// Hour is what is counted of one hour.
type Hour struct {
	At    time.Time
	Tally Tally     // of the deliveries written in it
	Tried Attempted // the attempts begun in it
}

// Series puts hours, in order of time, into points of a step, from the first to the
// last; a point where nothing happened is there with zeros.
func Series(hours []Hour, from, to time.Time, step time.Duration) []Point {
	var out []Point
	next := 0
	for at := from.UTC().Truncate(step); at.Before(to); at = at.Add(step) {
		var t Tally
		var a Attempted
		for ; next < len(hours) && hours[next].At.Before(at.Add(step)); next++ {
			t.Add(hours[next].Tally)
			a.Merge(hours[next].Tried)
		}
		out = append(out, Point{at, NewFigures(t, a)})
	}
	return out
}

// Merge adds others.
func (a *Attempted) Merge(o Attempted) {
	if a.ByClass == nil {
		a.ByClass, a.ByStatus = map[Class]int64{}, map[int]int64{}
	}
	a.Attempts += o.Attempts
	a.Retries += o.Retries
	for class, n := range o.ByClass {
		a.ByClass[class] += n
	}
	for status, n := range o.ByStatus {
		a.ByStatus[status] += n
	}
}
