package pages

// Quantity is a count as its reader may see it: the figure itself, or the bucket that
// it lies in (docs/privacy.md). Of a bucket nothing finer is kept, so no template and no
// chart can tell it.
type Quantity struct {
	Exact bool
	N     int64 // 0 unless exact
	Level int   // of the bucket, or of the figure: 0 none, 1 below k, 2 k and more, 3 10,000 and more
	Bar   int   // of exact ones: the height among its row, 1 to 8; 0: none
	k     int64
}

const muchOf = 10_000

// Exactly is a figure for readers who may see it; k is that of its app.
func Exactly(n, k int64) Quantity { return Quantity{Exact: true, N: n, Level: levelOf(n, k), k: k} }

// Bucketed is the bucket that n lies in.
func Bucketed(n, k int64) Quantity { return Quantity{Level: levelOf(n, k), k: k} }

func levelOf(n, k int64) int {
	switch {
	case n <= 0:
		return 0
	case n < k:
		return 1
	case n < muchOf:
		return 2
	}
	return 3
}

// In writes the quantity: "1,234", or "20 or more".
func (q Quantity) In(l Locale) string {
	switch {
	case q.Exact:
		return l.Int(q.N)
	case q.Level == 0:
		return "none"
	case q.Level == 1:
		return "fewer than " + l.Int(q.k)
	case q.Level == 2:
		return l.Int(q.k) + " or more"
	}
	return l.Int(muchOf) + " or more"
}

// Sign is the quantity's level without colour, for a cell of a day.
func (q Quantity) Sign() string { return []string{"·", "▁", "▄", "█"}[q.Level] }

// WithBar is an exact figure with its height among those of its row.
func (q Quantity) WithBar(most int64) Quantity {
	if q.Exact && q.N > 0 && most > 0 {
		q.Bar = int(max(1, (8*q.N+most/2)/most))
	}
	return q
}
