package attack

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// combine takes numbers of disjoint sets, adds them, subtracts those of sets within
// what it holds, tries times, and returns what it is left with below the floor: a 0/1
// combination that names a set too small. Each try looks at numbers that have to do
// with each other, and at a few that have not.
func combine(r *rand.Rand, numbers []told, tries int) (found []string) {
	exact := slices.DeleteFunc(slices.Clone(numbers), func(t told) bool { return t.least != t.most })
	if len(exact) == 0 {
		return nil
	}
	atoms := 0
	byAtom := map[int][]int{}
	for i, t := range exact {
		for _, a := range t.set {
			atoms = max(atoms, a+1)
			byAtom[a] = append(byAtom[a], i)
		}
	}
	held := make([]bool, atoms)
	var has []int
	for range tries {
		for _, a := range has {
			held[a] = false
		}
		has = has[:0]
		n, floor, said := 0, 1<<30, ""
		for _, i := range near(r, exact, byAtom) {
			t := exact[i]
			meets, within := false, len(t.set) > 0
			for _, a := range t.set {
				meets, within = meets || held[a], within && held[a]
			}
			switch {
			case within:
				n -= t.most
				for _, a := range t.set {
					held[a] = false
				}
				said += " - " + t.what
			case !meets && len(said) < 2000:
				n += t.most
				for _, a := range t.set {
					held[a] = true
					has = append(has, a)
				}
				said += " + " + t.what
			default:
				continue
			}
			floor = min(floor, t.floor)
			if n > 0 && n < floor {
				found = append(found, fmt.Sprintf("%d:%s", n, said))
				break
			}
		}
		if len(found) > 20 {
			break
		}
	}
	return found
}

// near draws numbers in an order: those that share atoms with one of them, large sets
// before small ones most of the time, and now and then any.
func near(r *rand.Rand, numbers []told, byAtom map[int][]int) []int {
	first := r.IntN(len(numbers))
	drawn := []int{first}
	seen := map[int]bool{first: true}
	for range 4 + r.IntN(8) {
		next := r.IntN(len(numbers))
		if from := numbers[drawn[r.IntN(len(drawn))]]; len(from.set) > 0 && r.IntN(6) > 0 {
			shares := byAtom[from.set[r.IntN(len(from.set))]]
			next = shares[r.IntN(len(shares))]
		}
		if !seen[next] {
			seen[next] = true
			drawn = append(drawn, next)
		}
	}
	if r.IntN(4) > 0 {
		slices.SortStableFunc(drawn, func(a, b int) int { return len(numbers[b].set) - len(numbers[a].set) })
	}
	return drawn
}
