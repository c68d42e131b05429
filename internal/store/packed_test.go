package store

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"skand/internal/clock"
)

// TestPackedSumsAreTheDatabases: by every set of names, with and without filters, a
// roll-up from packed releases is the one that the database makes, in its order.
func TestPackedSumsAreTheDatabases(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Store, _ *clock.Movable) {
		quarter(t, s)
		again := release(7, 3, "redecode", paid("a.skadnetwork", "39", 44, 7, "19.99"))
		require.NoError(t, s.Publish(t.Context(), again))
		names, step := CohortDimensions(), 3
		if raced {
			step = 29
		}
		for _, f := range []CohortFilter{
			{AppID: 7}, {AppID: testApp, From: start.AddDate(0, 0, 14), To: start.AddDate(0, 0, 40), Index: ptr(0)},
			{AppID: 7, NetworkID: "=b.net", Environment: "production"}, {AppID: 7, Level: "src2", Kind: "install"},
			{AppID: 7, NetworkID: "nobody.net"}, {AppID: 8},
		} {
			lookAt(t, s, f, func(l *CohortLook) {
				for set := 0; set < 1<<len(names); set += step {
					var g CohortGroup
					for i, name := range names {
						if set>>i&1 == 1 {
							g = append(g, name)
						}
					}
					for _, page := range [][2]int{{0, 0}, {0, 5}, {3, 4}, {1000, 5}} {
						var want, got []string
						require.NoError(t, l.rowSums(t.Context(), g, page[0], page[1], func(row []any) error { want = append(want, cells(row)); return nil }))
						require.NoError(t, l.packedSums(t.Context(), g, page[0], page[1], func(row []any) error { got = append(got, cells(row)); return nil }))
						require.Equal(t, want, got, "%+v %v %v", f, g, page)
					}
				}
			})
		}
	})
}

// TestPackedByAnEarlierVersion: what was published before releases were packed is
// summed by the database, and packed when the store is opened next.
func TestPackedByAnEarlierVersion(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Store, _ *clock.Movable) {
		quarter(t, s)
		packed := func() []string {
			return dump(t, s.pub, `SELECT release_id, packed FROM `+s.pub.table("cohort_packed")+` ORDER BY release_id`)
		}
		f, g := CohortFilter{AppID: 7}, CohortGroup{"network", "month"}
		sums := func() (all []string) {
			lookAt(t, s, f, func(l *CohortLook) { all = sumsOf(t, l, g, 0, 0) })
			return all
		}
		before, want := packed(), sums()
		require.Len(t, before, 18)
		_, err := s.pub.w.ExecContext(t.Context(), `DELETE FROM `+s.pub.table("cohort_packed")+` WHERE release_id = (SELECT MIN(release_id) FROM `+
			s.pub.table("release")+` WHERE app_id = 7)`)
		require.NoError(t, err)
		lookAt(t, s, f, func(l *CohortLook) {
			err := l.packedSums(t.Context(), g, 0, 0, func([]any) error { return errors.New("given too early") })
			require.ErrorIs(t, err, errNotPacked)
		})
		require.Equal(t, want, sums())
		require.NoError(t, s.packMissing(t.Context()))
		require.Equal(t, before, packed())
		require.NoError(t, s.packMissing(t.Context()))
		_, err = s.pub.w.ExecContext(t.Context(), `UPDATE `+s.pub.table("cohort_packed")+` SET packed = ?`, []byte{9})
		if s.pub.dialect == postgres {
			_, err = s.pub.w.ExecContext(t.Context(), `UPDATE bi.cohort_packed SET packed = $1`, []byte{9})
		}
		require.NoError(t, err)
		lookAt(t, s, f, func(l *CohortLook) {
			require.ErrorIs(t, l.Sums(t.Context(), g, 0, 0, func([]any) error { return nil }), errPacked)
		})
	})
}

// TestPackedSum: exact in 64 bits and beyond, whatever the digits behind the point.
func TestPackedSum(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		var s packedSums
		want := decimal.Zero
		for range r.IntN(6) {
			d := decimal.New(r.Int64N(math.MaxInt64)>>r.IntN(63), -int32(r.IntN(20)))
			if r.IntN(3) == 0 {
				d = d.Neg()
			}
			if r.IntN(20) == 0 {
				d = d.Mul(decimal.New(math.MaxInt64, 3))
			}
			var one packedSums
			one.show(8, d)
			s.add(&one)
			want = want.Add(d)
		}
		require.True(t, want.Equal(s.money(8)), "%s, not %s", s.money(8), want)
		var read packedSums
		reader := packedReader{b: s.append(nil, 8)}
		reader.sum(&read, 8)
		require.False(t, reader.bad)
		require.Len(t, reader.b, reader.at)
		require.Equal(t, s.sums[8], read.sums[8])
		require.True(t, want.Equal(read.money(8)))
	}
	for _, c := range []struct {
		a  int64
		ae int32
		b  int64
		be int32
		ok bool
	}{
		{math.MaxInt64, 0, 1, 0, false}, {math.MinInt64, 0, -1, 0, false}, {math.MaxInt64, 0, 0, -3, false}, {1, 19, 1, 0, false},
		{math.MinInt64, 1, 1, 0, false}, {math.MaxInt64, 0, math.MinInt64, 0, true}, {1, 18, 1, 0, true}, {0, 40, 1, 0, true},
	} {
		n, exp, ok := addScaled(c.a, c.ae, c.b, c.be)
		require.Equal(t, c.ok, ok, "%+v", c)
		if ok {
			require.True(t, decimal.New(c.a, c.ae).Add(decimal.New(c.b, c.be)).Equal(decimal.New(n, exp)), "%+v", c)
		}
	}
}

func packedSample() []byte {
	var p packer
	for i := range 5 {
		one := packedPart{packedSums: packedSums{rows: 1, installs: int64(20 + i)}}
		one.names = [packedNames]int{atNetwork: p.at(fmt.Sprint(i%2, ".net")), atLevel: p.at("src2"), atVersions: p.at("1 2"), atCurrency: p.at("USD")}
		one.sums[7] = packedSum{shown: 1, n: 5}
		one.show(8, decimal.RequireFromString(strings.Repeat("9", 15+i)+".99"))
		p.add(&one)
	}
	return pack(append([]string{""}, p.names...), p.parts)
}

// FuzzUnpack: any bytes are read or refused; what is read is written and read the same.
func FuzzUnpack(f *testing.F) {
	sample := packedSample()
	f.Add(sample)
	f.Add(sample[:len(sample)-1])
	f.Add([]byte{packedVersion, 0, 0})
	f.Add([]byte{packedVersion, 0xff, 0xff, 0xff, 0xff, 0x0f, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		read := func(b []byte) (names []string, parts []packedPart, err error) {
			err = unpack(b, func(n []string) { names = n }, func(p *packedPart) { parts = append(parts, *p) })
			return names, parts, err
		}
		names, parts, err := read(b)
		if err != nil {
			require.ErrorIs(t, err, errPacked)
			return
		}
		written := pack(names, parts)
		again, same, err := read(written)
		require.NoError(t, err)
		require.Equal(t, names, again)
		require.Equal(t, written, pack(again, same))
	})
}

func TestUnpackRefusesEveryCut(t *testing.T) {
	t.Parallel()
	sample := packedSample()
	parts := 0
	require.NoError(t, unpack(sample, func([]string) {}, func(*packedPart) { parts++ }))
	require.Equal(t, 2, parts)
	for n := range sample {
		require.ErrorIs(t, unpack(sample[:n], func([]string) {}, func(*packedPart) {}), errPacked, n)
	}
	require.ErrorIs(t, unpack(append(sample, 0), func([]string) {}, func(*packedPart) {}), errPacked)
}
