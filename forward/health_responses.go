package forward

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Responses are times from the writing of a delivery to its 2xx answer: their number
// and sum, and a histogram whose bins are a 16th of an octave wide, so that a percentile
// is at most 1/32 off while a month of them takes a few hundred numbers. The zero value
// is none.
type Responses struct {
	N, Sum int64 // Sum in milliseconds, exact
	bins   map[int]int64
}

const exactBelow = 32 // milliseconds that have a bin of their own

func bin(ms int64) int {
	ms = max(ms, 0)
	if ms < exactBelow {
		return int(ms)
	}
	shift := bits.Len64(uint64(ms)) - 5
	return exactBelow + (shift-1)*16 + int(ms>>shift) - 16
}

// middle is the time that stands for a bin, in milliseconds.
func middle(bin int) float64 {
	if bin < exactBelow {
		return float64(bin)
	}
	shift := (bin-exactBelow)/16 + 1
	from := int64(16+(bin-exactBelow)%16) << shift
	return float64(from) + float64(int64(1)<<shift-1)/2
}

// Observe counts n responses that took so long; a clock that went back counts as 0.
func (r *Responses) Observe(took time.Duration, n int64) {
	ms := max(0, took.Milliseconds())
	if r.bins == nil {
		r.bins = map[int]int64{}
	}
	r.N += n
	r.Sum += ms * n
	r.bins[bin(ms)] += n
}

// Merge adds others.
func (r *Responses) Merge(o Responses) {
	if r.bins == nil {
		r.bins = map[int]int64{}
	}
	r.N += o.N
	r.Sum += o.Sum
	for b, n := range o.bins {
		r.bins[b] += n
	}
}

// Mean is exact, in whole milliseconds; 0 of none.
func (r Responses) Mean() time.Duration {
	if r.N == 0 {
		return 0
	}
	return time.Duration(r.Sum/r.N) * time.Millisecond
}

// Percentile is the time within which the share p of the responses came, by nearest
// rank; 0 of none.
func (r Responses) Percentile(p float64) time.Duration {
	rank := int64(math.Ceil(p * float64(r.N)))
	var seen int64
	for _, b := range slices.Sorted(maps.Keys(r.bins)) {
		if seen += r.bins[b]; seen >= max(rank, 1) {
			return time.Duration(middle(b) * float64(time.Millisecond))
		}
	}
	return 0
}

// String is the histogram as it is kept: bin:count, the lowest first.
func (r Responses) String() string {
	parts := make([]string, 0, len(r.bins))
	for _, b := range slices.Sorted(maps.Keys(r.bins)) {
		parts = append(parts, fmt.Sprintf("%d:%d", b, r.bins[b]))
	}
	return strings.Join(parts, ",")
}

var errResponses = errors.New("a histogram of responses can't be read")

// ParseResponses is the opposite of String; sum is in milliseconds.
func ParseResponses(text string, sum int64) (Responses, error) {
	r := Responses{Sum: sum, bins: map[int]int64{}}
	if text == "" {
		return r, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		left, right, ok := strings.Cut(part, ":")
		b, err := strconv.Atoi(left)
		n, wrong := strconv.ParseInt(right, 10, 64)
		if !ok || err != nil || wrong != nil || b < 0 || b > bin(math.MaxInt64) || n < 0 {
			return Responses{}, fmt.Errorf("%w: %q", errResponses, part)
		}
		r.bins[b] += n
		r.N += n
	}
	return r, nil
}
