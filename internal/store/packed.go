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
	names          [packedNames]int // places among the names; 0 is NULL
	rows, installs int64
	sums           [packedMeasures]packedSum
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

// packedSum is the sum of a measure over those rows that show it: n times ten to exp,
// and rest, which is nil but for amounts that 64 bits don't hold.
type packedSum struct {
	n     int64
	shown int32
	exp   int32
	rest  *decimal.Decimal
}

func (s *packedSum) add(o *packedSum) {
	if o.shown == 0 {
		return
	}
	if s.shown == 0 {
		*s = *o
		return
	}
	s.shown += o.shown
	if n, exp, ok := addScaled(s.n, s.exp, o.n, o.exp); ok {
		s.n, s.exp = n, exp
	} else {
		s.addRest(decimal.New(o.n, o.exp))
	}
	if o.rest != nil {
		s.addRest(*o.rest)
	}
}

func (s *packedSum) addRest(d decimal.Decimal) {
	if s.rest != nil {
		d = d.Add(*s.rest)
	}
	s.rest = &d // sums are copied: what is behind a pointer never changes
}

func (s *packedSum) addMoney(d decimal.Decimal) {
	one := packedSum{shown: 1, exp: d.Exponent()}
	if c := d.Coefficient(); c.IsInt64() {
		one.n = c.Int64()
	} else {
		one.exp, one.rest = 0, &d
	}
	s.add(&one)
}

func (s *packedSum) money() decimal.Decimal {
	d := decimal.New(s.n, s.exp)
	if s.rest == nil {
		return d
	}
	return d.Add(*s.rest)
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
			b = p.sums[j].append(b, measures[j].Type == Money)
		}
	}
	return b
}

func (s *packedSum) append(b []byte, money bool) []byte {
	b = binary.AppendUvarint(b, uint64(s.shown))
	if s.shown == 0 {
		return b
	}
	b = binary.AppendVarint(b, s.n)
	if !money {
		return b
	}
	rest := ""
	if s.rest != nil {
		rest = s.rest.String()
	}
	b = binary.AppendVarint(b, int64(s.exp))
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
		for i := range p.sums {
			r.sum(&p.sums[i], measures[i].Type == Money)
		}
		if r.bad {
			return errPacked
		}
		each(&p)
	}
	if r.bad || len(r.b) > 0 {
		return errPacked
	}
	return nil
}

// packedReader reads from b; after the first mistake it is bad and gives zeros.
type packedReader struct {
	b   []byte
	bad bool
}

func (r *packedReader) uvarint() uint64 {
	if len(r.b) > 0 && r.b[0] < 0x80 && !r.bad { // most are one byte
		v := r.b[0]
		r.b = r.b[1:]
		return uint64(v)
	}
	v, n := binary.Uvarint(r.b)
	if n <= 0 || r.bad {
		r.b, r.bad = nil, true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *packedReader) varint() int64 {
	v := r.uvarint() // zigzag, as encoding/binary has it
	return int64(v>>1) ^ -int64(v&1)
}

// count is of things that take a byte each at least.
func (r *packedReader) count() uint64 {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.bad = true
		return 0
	}
	return n
}

func (r *packedReader) text() string {
	n := r.count()
	text := string(r.b[:n])
	r.b = r.b[n:]
	return text
}

func (r *packedReader) sum(s *packedSum, money bool) {
	*s = packedSum{}
	shown := r.uvarint()
	if shown == 0 {
		return
	}
	if shown > math.MaxInt32 {
		r.bad = true
		return
	}
	s.shown, s.n = int32(shown), r.varint()
	if !money {
		return
	}
	exp := r.varint()
	if exp < math.MinInt32 || exp > math.MaxInt32 {
		r.bad = true
		return
	}
	s.exp = int32(exp)
	if text := r.text(); text != "" {
		rest, err := decimal.NewFromString(text)
		if err != nil {
			r.bad = true
			return
		}
		s.rest = &rest
	}
}
