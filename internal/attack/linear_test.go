package attack

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize/convex/lp"
)

// system is statements about atoms, and sets whose size a reader would like to know.
type system struct {
	told   []told
	hidden []told
}

// pinned solves a linear program twice for every hidden set, for its least and its
// greatest size, and lists those that are left with one size of 1 to floor-1. faults
// are programs that could not be solved: they show nothing.
func (s system) pinned() (found []string, solved, faults int) {
	known := slices.Clone(s.told)
	for _, h := range s.hidden {
		if h.least > 0 { // what NULL says
			known = append(known, h)
		}
	}
	byAtom := map[int][]int{}
	for i, t := range known {
		for _, a := range t.set {
			byAtom[a] = append(byAtom[a], i)
		}
	}
	for _, h := range s.hidden {
		least, most, err := program(about(h, known, byAtom), h).bounds()
		if err != nil {
			faults++
			continue
		}
		solved++
		if least == most && least > 0 && least < h.floor {
			found = append(found, fmt.Sprintf("%s is %d", h.what, least))
		}
	}
	return found, solved, faults
}

// about are the statements that have to do with a set: that share an atom with it, or
// with one that does. The others say nothing about it.
func about(h told, known []told, byAtom map[int][]int) (out []told) {
	reached, taken := map[int]bool{}, make([]bool, len(known))
	next := slices.Clone(h.set)
	for len(next) > 0 {
		a := next[len(next)-1]
		next = next[:len(next)-1]
		if reached[a] {
			continue
		}
		reached[a] = true
		for _, i := range byAtom[a] {
			if !taken[i] {
				taken[i] = true
				out = append(out, known[i])
				next = append(next, known[i].set...)
			}
		}
	}
	return out
}

// linear is a program in the form that the solver takes: a variable for all atoms that
// the same statements name, equalities, and slack for what NULL says.
type linear struct {
	a      [][]float64
	b      []float64
	target []float64
}

// program asks for the size of a set.
func program(known []told, h told) *linear {
	zero := map[int]bool{}
	for _, t := range known {
		if t.most == 0 {
			for _, a := range t.set {
				zero[a] = true
			}
		}
	}
	names := map[int][]byte{}
	for i, t := range append(slices.Clone(known), h) {
		for _, a := range t.set {
			if !zero[a] {
				names[a] = fmt.Appendf(names[a], "%d ", i)
			}
		}
	}
	variables, of := map[string]int{}, map[int]int{}
	for a, name := range names {
		v, there := variables[string(name)]
		if !there {
			v = len(variables)
			variables[string(name)] = v
		}
		of[a] = v
	}
	slack := len(variables)
	line := func(t told) []float64 {
		x := make([]float64, len(variables)+2*len(known))
		for _, a := range t.set {
			if v, used := of[a]; used {
				x[v] = 1
			}
		}
		return x
	}
	p := &linear{target: line(h)}
	for _, t := range known {
		switch {
		case t.most == 0:
		case t.least == t.most:
			p.a, p.b = append(p.a, line(t)), append(p.b, float64(t.most))
		default:
			above, below := line(t), line(t)
			above[slack], below[slack+1] = -1, 1
			slack += 2
			p.a, p.b = append(p.a, above, below), append(p.b, float64(t.least), float64(t.most))
		}
	}
	p.reduce()
	return p
}

// reduce takes away lines that follow from others, as the solver wants it, and
// columns of nothing.
func (p *linear) reduce() {
	var a [][]float64
	var b []float64
	var reduced [][]float64 // in echelon form
	for i, line := range p.a {
		x := slices.Clone(line)
		for _, r := range reduced {
			pivot := slices.IndexFunc(r, func(v float64) bool { return v != 0 })
			if x[pivot] == 0 {
				continue
			}
			f := x[pivot] / r[pivot]
			for j := range x {
				x[j] -= f * r[j]
				if math.Abs(x[j]) < 1e-9 {
					x[j] = 0
				}
			}
		}
		if slices.ContainsFunc(x, func(v float64) bool { return v != 0 }) {
			reduced, a, b = append(reduced, x), append(a, line), append(b, p.b[i])
		}
	}
	if len(a) == 0 {
		p.a, p.b = nil, nil
		return
	}
	var keep []int
	for j := range a[0] {
		if slices.ContainsFunc(a, func(line []float64) bool { return line[j] != 0 }) {
			keep = append(keep, j)
		}
	}
	narrow := func(line []float64) []float64 {
		x := make([]float64, len(keep))
		for i, j := range keep {
			x[i] = line[j]
		}
		return x
	}
	for i := range a {
		a[i] = narrow(a[i])
	}
	p.target = narrow(p.target)
	p.a, p.b = a, b
}

// bounds are the whole numbers that the set can hold.
func (p *linear) bounds() (least, most int, err error) {
	if len(p.a) == 0 || slices.Max(p.target) == 0 {
		return 0, 0, nil // known to be empty
	}
	flat := make([]float64, 0, len(p.a)*len(p.a[0]))
	for _, line := range p.a {
		flat = append(flat, line...)
	}
	a := mat.NewDense(len(p.a), len(p.a[0]), flat)
	const near = 1e-6
	low, _, err := lp.Simplex(p.target, a, p.b, 1e-10, nil)
	if err != nil {
		return 0, 0, err
	}
	up := make([]float64, len(p.target))
	for j, c := range p.target {
		up[j] = -c
	}
	high, _, err := lp.Simplex(up, a, p.b, 1e-10, nil)
	if err != nil {
		return 0, 0, err
	}
	return int(math.Ceil(low - near)), int(math.Floor(-high + near)), nil
}
