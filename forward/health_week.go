package forward

import (
	"math"
	"time"
)

// InstallWeek is what was told to a network of one install in a week.
type InstallWeek struct {
	Conversions, Delivered, Dropped int64   // dropped: refused or expired
	Within                          []int64 // the delivered ones by the bucket of ResponseEdges
}

// Week is that of all its installs. The unit of docs/privacy.md is the install: one of
// which some is delivered and some is not stands on both sides.
type Week struct {
	Conversions, Delivered, Dropped int64
	within                          []int64

	installs, installsDelivered, installsDropped, installsWaiting int64
	// By each edge between two buckets: installs with an answer below it, and beyond it.
	below, beyond []int64
}

// Add counts an install.
func (w *Week) Add(in InstallWeek) {
	if w.within == nil {
		w.within = make([]int64, len(ResponseEdges))
		w.below, w.beyond = make([]int64, len(ResponseEdges)), make([]int64, len(ResponseEdges))
	}
	w.Conversions += in.Conversions
	w.Delivered += in.Delivered
	w.Dropped += in.Dropped
	w.installs++
	one := func(into *int64, has bool) {
		if has {
			*into++
		}
	}
	one(&w.installsDelivered, in.Delivered > 0)
	one(&w.installsDropped, in.Dropped > 0)
	one(&w.installsWaiting, in.Conversions > in.Delivered+in.Dropped)
	var below int64
	for i, n := range in.Within {
		w.within[i] += n
		below += n
		one(&w.below[i], below > 0)
		one(&w.beyond[i], in.Delivered > below)
	}
}

// ResponseEdges are the buckets of published response times.
var ResponseEdges = []struct {
	Below time.Duration
	Name  string
}{
	{time.Minute, "below 1 minute"}, {10 * time.Minute, "1 to 10 minutes"}, {time.Hour, "10 minutes to 1 hour"},
	{24 * time.Hour, "1 to 24 hours"}, {math.MaxInt64, "more than 24 hours"},
}

// WeekSeen is what a week publishes; nil is NULL.
type WeekSeen struct {
	DeliveryRate *int64  // per cent, in steps of 5
	DropRate     *int64  // the same
	P50, P95     *string // buckets of ResponseEdges
}

// stands: as many installs on a side as the promise to contributors asks for, or none.
func stands(n, b int64) bool { return n == 0 || n >= b }

// Publish is what may be seen of the week: nothing below k conversions or k installs; a
// share only where the delivered, the dropped and the waiting conversions are each of no
// install or of at least b, so that no share and no difference of shares tells of fewer;
// a bucket only where the answers below and beyond each of its edges are, too.
func (w Week) Publish(k, b int64) (seen WeekSeen) {
	if w.Conversions < k || w.installs < k {
		return seen
	}
	if stands(w.installsDelivered, b) && stands(w.installsDropped, b) && stands(w.installsWaiting, b) {
		seen.DeliveryRate, seen.DropRate = inSteps(w.Delivered, w.Conversions), inSteps(w.Dropped, w.Conversions)
	}
	if w.installsDelivered >= k {
		seen.P50, seen.P95 = w.bucket(.5, b), w.bucket(.95, b)
	}
	return seen
}

// inSteps is a share in steps of 5 per cent, to the nearest.
func inSteps(part, whole int64) *int64 {
	v := int64(math.Round(20*float64(part)/float64(whole))) * 5
	return &v
}

// bucket names the bucket of a percentile of the delivered ones, by nearest rank.
func (w Week) bucket(p float64, b int64) *string {
	rank, seen := max(1, int64(math.Ceil(p*float64(w.Delivered)))), int64(0)
	for i, n := range w.within {
		if seen += n; seen < rank {
			continue
		}
		edges := []int{i}
		if i > 0 {
			edges = append(edges, i-1)
		}
		for _, e := range edges {
			if !stands(w.below[e], b) || !stands(w.beyond[e], b) {
				return nil
			}
		}
		return &ResponseEdges[i].Name
	}
	return nil
}
