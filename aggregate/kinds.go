package aggregate

// kinds counts a row's installs by value kind; they add up to the row's installs.
type kinds [5]int

// The order of the kinds, in which null takes others.
const (
	null = iota
	unset
	unmapped
	coarse
	fine
)

var kindIndex = map[string]int{
	ValueNull: null, ValueUnset: unset, ValueUnmapped: unmapped, ValueCoarse: coarse, ValueFine: fine,
}

// holds reports whether n contributors may be spoken of: none, or at least b.
func holds(n, b int) bool { return n == 0 || n >= b }

// merge decides which kinds stand. A kind of 1..b-1 is counted into null. While
// null then holds 1..b-1 installs, or as few or as many as the kinds it took
// could hold at 1 or at b-1 each, it takes the next other kind that is not empty,
// in the order above (fine, which carries payers and revenue, goes last). What
// was taken does not stand, not even as a zero.
//
// Why as many, and why by order and not by size: a reader knows from Apple's
// tiers that some kinds can't occur in a row (three or four digits are never
// null, campaign ids never coarse). Where null is known to be empty, two kinds of
// b-1 would be solved by their sum; and a kind chosen for being the smallest
// tells how large the others are not. Brute force finds both (reader_test.go).
func (k kinds) merge(b int) (shown kinds, stands [5]bool) {
	shown = k
	stands = [5]bool{true, true, true, true, true}
	took := 0
	take := func(i int) {
		shown[null] += shown[i]
		shown[i] = 0
		stands[i] = false
		took++
	}
	for i := unset; i <= fine; i++ {
		if !holds(shown[i], b) {
			take(i)
		}
	}
	solved := func() bool {
		return took > 0 && (shown[null] == took || shown[null] == took*(b-1))
	}
	for i := unset; i <= fine && (!holds(shown[null], b) || solved()); i++ {
		if shown[i] > 0 {
			take(i)
		}
	}
	return shown, stands // at worst null is the whole row, which is at least k >= b
}
