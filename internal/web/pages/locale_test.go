package pages

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLocales(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"":                            "1,234,567.50 1,234",
		"en-GB,en;q=0.9":              "1,234,567.50 1,234",
		"de-DE,de;q=0.9,en;q=0.8":     "1.234.567,50 1.234",
		"de-CH":                       "1’234’567.50 1’234",
		"fr":                          "1\u202f234\u202f567,50 1\u202f234",
		"es-ES":                       "1.234.567,50 1234",
		"es-MX":                       "1,234,567.50 1,234",
		"pt-BR":                       "1.234.567,50 1.234",
		"en-IN":                       "12,34,567.50 1,234",
		"pl;q=0.3,de;q=0.7":           "1.234.567,50 1.234",
		"xx, de":                      "1.234.567,50 1.234",
		"de;q=0, fr;q=oops, en":       "1,234,567.50 1,234",
		strings.Repeat("xx,", 10_000): "1,234,567.50 1,234",
	} {
		l := LocaleOf(header)
		require.Equal(t, want, l.Money("1234567.5")+" "+l.Int(1234), header)
	}
}

// TestDigitsStay: whatever the locale, the digits are those that were given.
func TestDigitsStay(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 6))
	for range 2000 {
		n := random.Int64N(1<<62) >> random.IntN(62)
		if random.IntN(2) == 0 {
			n = -n
		}
		decimals := strconv.Itoa(random.IntN(1000))
		for tag, l := range locales {
			written := l.Digits(strconv.FormatInt(n, 10) + "." + decimals)
			back := strings.NewReplacer(l.Group, "", l.Decimal, ".", "\u2212", "-").Replace(written)
			require.Equal(t, strconv.FormatInt(n, 10)+"."+decimals, back, tag)
		}
	}
	require.Equal(t, "n/a", english.Digits("n/a"))
	require.Equal(t, "46.015", english.Money("46.015"))
	require.Equal(t, "7.00", english.Money("7"))
}

func TestWords(t *testing.T) {
	t.Parallel()
	day := func(s string) time.Time {
		d, err := time.Parse(time.DateOnly, s)
		require.NoError(t, err)
		return d
	}
	require.Equal(t, "9 – 15 Nov 2026", Span(day("2026-11-09"), day("2026-11-16")))
	require.Equal(t, "26 Oct – 1 Nov 2026", Span(day("2026-10-26"), day("2026-11-02")))
	require.Equal(t, "28 Dec 2026 – 3 Jan 2027", Span(day("2026-12-28"), day("2027-01-04")))
	require.Equal(t, "9 Nov 2026", Span(day("2026-11-09"), day("2026-11-10")))
	now := day("2026-11-09")
	for d, want := range map[time.Duration]string{
		-time.Hour: "in 1 hour", 30 * time.Second: "just now", 3 * time.Hour: "3 hours ago", 49 * time.Hour: "2 days ago", -20 * time.Second: "in a moment",
	} {
		require.Equal(t, want, Ago(now.Add(-d), now))
	}
	require.Equal(t, "0 % 0.4 % 12 %", strings.ReplaceAll(english.Percent(0)+" "+english.Percent(.004)+" "+english.Percent(.123), "\u202f", " "))
}

// TestBucketsTellNothingFiner: two counts of a bucket give the same quantity, to the last
// member; an exact one is the count.
func TestBucketsTellNothingFiner(t *testing.T) {
	t.Parallel()
	const k = 20
	edges := []int64{0, 1, k, 10_000, 1 << 40}
	for i := range len(edges) - 1 {
		for n := edges[i]; n < min(edges[i+1], edges[i]+30_000); n += max(1, (n-edges[i])/3) {
			require.Equal(t, Bucketed(edges[i], k), Bucketed(n, k).WithBar(n), n)
		}
		if i > 0 {
			require.NotEqual(t, Bucketed(edges[i-1], k).In(english), Bucketed(edges[i], k).In(english))
		}
	}
	require.Equal(t, "1,234", Exactly(1234, k).In(english))
	require.Equal(t, 8, Exactly(9, k).WithBar(9).Bar)
	require.Equal(t, 1, Exactly(1, k).WithBar(9000).Bar)
}

func TestIntervalsStayOnTheirBar(t *testing.T) {
	t.Parallel()
	f := func(v float64) *float64 { return &v }
	in := NewInterval(5, f(2), f(8), f(3), 10)
	require.Equal(t, Interval{Low: "26.4", Width: "67.2", Mid: "60.0", Seen: "37.6", HasSeen: true, HasBounds: true}, *in)
	require.Equal(t, "116.0", NewInterval(50, nil, nil, nil, 10).Mid)
	require.False(t, NewInterval(5, nil, f(2), nil, 0).HasBounds)
	require.Nil(t, NewSpark("x", []float64{1}))
	require.Equal(t, "M2.0 21.0L98.0 3.0", NewSpark("x", []float64{0, 4}).Line)
}
