package model

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"
)

// inverted is up to which mean a binomial is drawn by going up from nothing: it takes as
// many steps, and each of them a tenth of what rejecting takes.
const inverted = 12.0

// binomial draws how many of n have what each has with chance p.
func binomial(src rand.Source, n int, p float64) int {
	switch {
	case n <= 0 || !(p > 0):
		return 0
	case p >= 1:
		return n
	case p > 0.5:
		return n - binomial(src, n, 1-p)
	case float64(n)*p > inverted:
		return int(distuv.Binomial{N: float64(n), P: p, Src: src}.Rand())
	}
	odds := p / (1 - p)
	chance := math.Exp(float64(n) * math.Log1p(-p)) // of none: at least e^-24
	u := float64(src.Uint64()>>11) / (1 << 53)
	k := 0
	for u >= chance && k < n {
		u -= chance
		chance *= odds * float64(n-k) / float64(k+1)
		k++
	}
	return k
}
