package schema

import (
	"fmt"
	"math"
	"slices"
)

// candidate is one way to make bands. Which one does is not known beforehand: with
// many payers the best edges are those that fit them, with few those that fit them
// less closely.
type candidate struct {
	words string
	// build makes the bands from what some installs paid, each of at least k of
	// them; nil when there are not enough.
	build func(s *searches, k int) fitting
}

// drawn is how many installs at the middle of a band its mean is drawn by.
const drawn = 1

// How bands are estimated, as candidates say it. Drawn means are those with one
// more install at the middle of the band.
const (
	atMiddle    = "estimated at their middle"
	atMean      = "estimated at their means"
	atDrawnMean = "estimated at their means, drawn to the middle"
)

// candidates lists the ways to make at most n bands, from the simple ones to those
// that follow the installs most closely.
func candidates(n int) []candidate {
	out := []candidate{
		{fmt.Sprintf("%d equal bands over the whole range, %s", n, atMiddle), func(s *searches, k int) fitting {
			edges, _ := s.beside(0).edges(n, 1)
			if len(edges) > 0 {
				edges = equalEdges(len(edges)+1, edges[len(edges)-1])
			}
			return s.middles(s.joined(edges, k))
		}},
		{fmt.Sprintf("%d equal bands of the best width, %s", n, atMean), func(s *searches, k int) fitting {
			return s.bands(s.joined(s.bestEqual(n), k), 0)
		}},
		{fmt.Sprintf("%d bands of as many payers each, %s", n, atDrawnMean), func(s *searches, k int) fitting {
			return s.bands(s.joined(s.quantiles(n, false), k), drawn)
		}},
		{fmt.Sprintf("%d bands of as much revenue each, %s", n, atDrawnMean), func(s *searches, k int) fitting {
			return s.bands(s.joined(s.quantiles(n, true), k), drawn)
		}},
	}
	sizes := slices.Compact([]int{n, (n + 1) / 2, (n + 3) / 4})
	for _, n := range sizes {
		out = append(out, candidate{fmt.Sprintf("%d bands that widen evenly with the amount, %s", n, atDrawnMean), func(s *searches, k int) fitting {
			return s.bands(s.joined(s.graded(n), k), drawn)
		}})
	}
	for _, n := range sizes[1:] {
		out = append(out, searched(n, 0.5, 0, drawn), searched(n, 0, 1, drawn))
	}
	for _, weight := range []float64{1, 0.5, 0.2} {
		out = append(out, searched(n, weight, 0, drawn))
	}
	for _, least := range []int{16, 8, 4, 2, 1} {
		out = append(out, searched(n, 0, least, drawn))
	}
	return append(out, searched(n, 0, 1, 0))
}

// searched finds the edges of the least sum of absolute errors by dynamic
// programming: of the payers, and of imagined ones beside them that weigh at most
// so much of what they do.
func searched(n int, weight float64, least, prior int) candidate {
	words := fmt.Sprintf("%d bands by dynamic programming", n)
	if weight > 0 {
		words += fmt.Sprintf(" over payers and their log-normal spread (weight %g)", weight)
	}
	if least > 1 {
		words += fmt.Sprintf(" of at least %d payers", least)
	}
	if prior > 0 {
		words += ", " + atDrawnMean
	} else {
		words += ", " + atMean
	}
	return candidate{words, func(s *searches, k int) fitting {
		edges, ok := s.beside(weight).edges(n, max(least, k))
		if !ok {
			return nil
		}
		return s.bands(edges, prior)
	}}
}

// searches keeps what several candidates search in the same sample.
type searches struct {
	sample
	by map[int]*search // by the copies of what was paid; 0: nothing imagined
}

func (s sample) searches() *searches { return &searches{s, map[int]*search{}} }

// imagined is the number of amounts that are spread log-normally beside those that
// were paid. It is fixed: fewer would lie too far apart to put edges between, and
// with many payers their weight fades.
const imagined = 200

// beside is the search where imagined payers weigh at most so much beside the real
// ones, who are repeated for that.
func (s *searches) beside(weight float64) *search {
	copies := 0
	if weight > 0 {
		copies = max(1, int(math.Round(imagined/weight/float64(len(s.amounts)))))
	}
	if s.by[copies] == nil {
		s.by[copies] = s.search(copies)
	}
	return s.by[copies]
}
