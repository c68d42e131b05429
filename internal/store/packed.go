package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"

	"github.com/shopspring/decimal"
)

// A release's rows are packed into one value when it is published: added up by all
// that a CohortGroup can keep apart, which is what every sum over them can be made
// from. It says nothing that the rows don't say, and like them it never changes.
//
// The value: a version; the names, each with its length; and for each part the places
// of its six names, its rows and installs, and for each measure how many rows show it
// and, if any does, their sum; of money with its exponent and what 64 bits don't hold.
// All numbers are variable-length integers of encoding/binary.
const packedVersion = 1

var errPacked = errors.New("packed cohorts are not readable")

// packedPart is what rows of one release with the same names add up to.
type packedPart struct {
	names [packedNames]int // places among the names; 0 is NULL
	packedSums
}

// The names of a part, in their order.
const (
	atNetwork = iota
	atIDKind
	atSource2
	atLevel
	atVersions
	atCurrency
	packedNames
)

const packedMeasures = 12

// packedSums are rows, their installs, and the sums of their measures. What 64 bits
// don't hold is in rest, which is nil but for absurd amounts: without pointers to look
// after, a sum takes half the time.
type packedSums struct {
	rows, installs int64
	sums           [packedMeasures]packedSum
	rest           *[packedMeasures]decimal.Decimal
}

// packedSum is the sum of a measure over those rows that show it: n times ten to exp.
type packedSum struct {
	n     int64
	shown int32
	exp   int32
}

func (s *packedSums) add(o *packedSums) {
	s.rows += o.rows
	s.installs += o.installs
	for i := range s.sums {
		to, one := &s.sums[i], &o.sums[i]
		switch {
		case one.shown == 0:
		case to.shown == 0:
			*to = *one
		default:
			to.shown += one.shown
			if n, exp, ok := addScaled(to.n, to.exp, one.n, one.exp); ok {
				to.n, to.exp = n, exp
			} else {
				s.addRest(i, decimal.New(one.n, one.exp))
			}
		}
		if o.rest != nil && one.shown > 0 {
			s.addRest(i, o.rest[i])
		}
	}
}

func (s *packedSums) addRest(i int, d decimal.Decimal) {
	rest := new([packedMeasures]decimal.Decimal) // sums are copied: what is behind the pointer never changes
	if s.rest != nil {
		*rest = *s.rest
	}
	rest[i] = rest[i].Add(d)
	s.rest = rest
}

// show makes the sum of a measure one amount.
func (s *packedSums) show(i int, d decimal.Decimal) {
	s.sums[i] = packedSum{shown: 1}
	if c := d.Coefficient(); c.IsInt64() {
		s.sums[i].n, s.sums[i].exp = c.Int64(), d.Exponent()
	} else {
		s.addRest(i, d)
	}
}

func (s *packedSums) money(i int) decimal.Decimal {
	d := decimal.New(s.sums[i].n, s.sums[i].exp)
	if s.rest == nil {
		return d
	}
	return d.Add(s.rest[i])
}

// addScaled adds a·10^ae and b·10^be; ok is false where 64 bits are too few.
func addScaled(a int64, ae int32, b int64, be int32) (n int64, exp int32, ok bool) {
	exp = min(ae, be)
	a, fits := scale(a, ae-exp)
	b, also := scale(b, be-exp)
	n = a + b
	return n, exp, fits && also && (n > a) == (b > 0)
}

func scale(n int64, by int32) (int64, bool) {
	if n == 0 || by == 0 {
		return n, true
	}
	if by > 18 {
		return 0, false
	}
	p := int64(1)
	for range by {
		p *= 10
	}
	high, low := bits.Mul64(uint64(max(n, -n)), uint64(p))
	return n * p, n != -n && high == 0 && low>>63 == 0
}

// pack writes parts whose names stand in names; names[0] is NULL and is not written.
func pack(names []string, parts []packedPart) []byte {
	b := binary.AppendUvarint([]byte{packedVersion}, uint64(len(names)-1))
	for _, name := range names[1:] {
		b = append(binary.AppendUvarint(b, uint64(len(name))), name...)
	}
	b = binary.AppendUvarint(b, uint64(len(parts)))
	for i := range parts {
		p := &parts[i]
		for _, at := range p.names {
			b = binary.AppendUvarint(b, uint64(at))
		}
		b = binary.AppendVarint(binary.AppendVarint(b, p.rows), p.installs)
		for j := range p.sums {
			b = p.append(b, j)
		}
	}
	return b
}

func (s *packedSums) append(b []byte, i int) []byte {
	sum := &s.sums[i]
	b = binary.AppendUvarint(b, uint64(sum.shown))
	if sum.shown == 0 {
		return b
	}
	b = binary.AppendVarint(b, sum.n)
	if measures[i].Type != Money {
		return b
	}
	rest := ""
	if s.rest != nil && !s.rest[i].IsZero() {
		rest = s.rest[i].String()
	}
	b = binary.AppendVarint(b, int64(sum.exp))
	return append(binary.AppendUvarint(b, uint64(len(rest))), rest...)
}

// unpack reads what pack wrote. It is given the names first, at once, and then each
// part in turn, in the same memory.
func unpack(packed []byte, named func(names []string), each func(*packedPart)) error {
	r := packedReader{b: packed}
	if r.uvarint() != packedVersion {
		return fmt.Errorf("%w: of another version", errPacked)
	}
	names := []string{""}
	for range r.count() {
		names = append(names, r.text())
	}
	if r.bad {
		return errPacked
	}
	named(names)
	var p packedPart
	for range r.count() {
		for i := range p.names {
			at := r.uvarint()
			if at >= uint64(len(names)) {
				return errPacked
			}
			p.names[i] = int(at)
		}
		p.rows, p.installs = r.varint(), r.varint()
		if p.rest != nil {
			p.rest = nil
		}
		for i := range p.sums {
			r.sum(&p.packedSums, i)
		}
		if r.bad {
			return errPacked
		}
		each(&p)
	}
	if r.bad || r.at < len(r.b) {
		return errPacked
	}
	return nil
}

// packedReader reads from b; after the first mistake it is bad and gives zeros.
type packedReader struct {
	b   []byte
	at  int
	bad bool
}

func (r *packedReader) uvarint() uint64 {
	if r.at < len(r.b) && r.b[r.at] < 0x80 { // most are one byte
		r.at++
		return uint64(r.b[r.at-1])
	}
	v, n := binary.Uvarint(r.b[r.at:])
	if n <= 0 {
		r.fail()
		return 0
	}
	r.at += n
	return v
}

func (r *packedReader) fail() { r.at, r.bad = len(r.b), true }

func (r *packedReader) varint() int64 {
	v := r.uvarint() // zigzag, as encoding/binary has it
	return int64(v>>1) ^ -int64(v&1)
}

// count is of things that take a byte each at least.
func (r *packedReader) count() int {
	n := r.uvarint()
	if n > uint64(len(r.b)-r.at) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *packedReader) text() string {
	n := r.count()
	r.at += n
	return string(r.b[r.at-n : r.at])
}

func (r *packedReader) sum(s *packedSums, i int) {
	shown := r.uvarint()
	s.sums[i] = packedSum{shown: int32(shown)}
	if shown == 0 {
		return
	}
	s.sums[i].n = r.varint()
	if shown > math.MaxInt32 {
		r.fail()
	}
	if measures[i].Type != Money {
		return
	}
	exp := r.varint()
	if exp < math.MinInt32 || exp > math.MaxInt32 {
		r.fail()
	}
	s.sums[i].exp = int32(exp)
	if text := r.text(); text != "" {
		rest, err := decimal.NewFromString(text)
		if err != nil {
			r.fail()
			return
		}
		s.addRest(i, rest)
	}
}
