package schema

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

// spenders are installs of which only the sum is known.
func spenders(r *rand.Rand, n int) []Install {
	var out []Install
	for range n {
		x := decimal.Zero
		if r.IntN(4) > 0 {
			x = decimal.New(int64(math.Exp(2+2.5*r.NormFloat64())*10)+1, -2)
		}
		out = append(out, Install{Revenue: &x})
	}
	return out
}

func TestSuggestedDocumentDecodesEverybody(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(15, 16))
	for _, bands := range []int{1, 2, 7, 63} {
		installs := spenders(r, 800)
		s, err := Suggest(Evidence{Installs: installs}, SuggestOptions{Bands: bands, Currency: "USD"})
		require.NoError(t, err)
		require.LessOrEqual(t, len(s.Bands), bands)
		bands = len(s.Bands)
		require.Empty(t, s.Document.Validate().Errors)
		paying, in := 0, 0
		for _, i := range installs {
			got, err := s.Document.readInstall(i, 0, KindFine)
			require.NoError(t, err)
			require.Equal(t, StateDecoded, got.decoded.State)
			require.Equal(t, i.Revenue.IsPositive(), got.decoded.Payer)
			require.True(t, got.decoded.RevenueMin.LessThanOrEqual(*i.Revenue))
			require.True(t, got.decoded.RevenueMax == nil || i.Revenue.LessThanOrEqual(*got.decoded.RevenueMax))
			if i.Revenue.IsPositive() {
				paying++
			}
			level, err := s.Document.readInstall(i, 0, KindCoarse)
			require.NoError(t, err)
			require.Equal(t, i.Revenue.IsPositive(), level.decoded.Payer, "payers and others share no level")
			require.False(t, level.decoded.EstimateMissing)
		}
		for i, b := range s.Bands {
			in += b.Installs
			require.Equal(t, i+1, b.Value)
			require.Equal(t, i == bands-1, b.Max == nil)
			if b.Max != nil {
				require.True(t, b.Max.Equal(s.Bands[i+1].Min), "bands touch")
			}
		}
		require.Equal(t, paying, s.Payers)
		require.Equal(t, paying, in)
		require.Equal(t, "0.01", s.Bands[0].Min.String())
		// Fitted and measured on the same installs, means keep the total, but for the
		// little that one install draws them.
		e, _, err := s.Document.errorOf(installs, 0, KindFine)
		require.NoError(t, err)
		require.True(t, e.TotalShare.Abs().LessThan(decimal.New(3, -2)), e.TotalShare.String())
		require.Equal(t, 800, s.Suggested.Installs)
		require.True(t, s.Suggested.True.Equal(e.True))
	}
}

func TestSuggestKeepsTheCurrentVersion(t *testing.T) {
	t.Parallel()
	current := parsed(t, `{"app_id":7,"name":"live","currency":"EUR","revenue_cap":"50","overlap_bit":3,"windows":[
		{"index":0,"reserved":[[4,5]],"fine":[{"value":0,"events":[]},{"value":1,"events":[{"name":"reg"}]},
		 {"value":2,"events":[{"name":"iap","partner_name":"Purchase","revenue_min":"0.01"}]}],"lock":{"on":"time","value":24}},
		{"index":1,"coarse":{"low":{"events":[]}}}],"open_band_mean":9}`)
	installs := spenders(rand.New(rand.NewPCG(19, 20)), 500)
	s, err := Suggest(Evidence{Installs: installs}, SuggestOptions{Bands: 6, From: 3, Current: current})
	require.NoError(t, err)
	d := s.Document
	require.Equal(t, []any{int64(7), "live", "EUR", "50", 3}, []any{d.AppID, d.Name, d.Currency, d.RevenueCap.String(), *d.OverlapBit})
	require.Equal(t, current.Windows[0].Lock, d.Windows[0].Lock)
	require.Equal(t, 1, d.Windows[1].Index)
	var values []int
	for _, row := range d.Windows[0].Fine {
		values = append(values, row.Value)
	}
	require.Equal(t, []int{0, 1, 3, 6, 7, 16, 17, 18}, values, "without reserved values and the overlap bit")
	require.Equal(t, "iap", d.Windows[0].Fine[7].Events[0].Name)
	require.Equal(t, "Purchase", d.Windows[0].Fine[7].Events[0].PartnerName)
	require.True(t, s.Bands[5].Est.LessThanOrEqual(decimal.NewFromInt(50)))
	require.NotNil(t, s.Current)
	require.True(t, s.Suggested.MeanAbsolute.LessThan(s.Current.MeanAbsolute))
}

func TestSuggestFewAmounts(t *testing.T) {
	t.Parallel()
	s, err := Suggest(Evidence{Installs: []Install{paid("0"), paid("500"), paid("500"), paid("500")}}, SuggestOptions{Bands: 5, Currency: "JPY", Event: "iap"})
	require.NoError(t, err)
	require.Len(t, s.Bands, 1)
	require.Contains(t, s.Notes[0], "5 bands were asked for; more than 1 would be no nearer")
	require.Equal(t, "1", s.Bands[0].Min.String(), "the smallest coin")
	require.Equal(t, "500", s.Bands[0].Est.String())
	require.True(t, s.Suggested.MeanAbsolute.IsZero())

	s, err = Suggest(Evidence{Installs: []Install{paid("3"), paid("0")}}, SuggestOptions{Bands: 2, Currency: "USD"})
	require.NoError(t, err)
	require.Equal(t, "The sample is small: 2 bands take about 40 payers, after which more of them change little. There are 1; with this share of payers, 80 installs have as many.", s.Notes[1])
}

func TestSuggestKeepsK(t *testing.T) {
	t.Parallel()
	installs := spenders(rand.New(rand.NewPCG(21, 22)), 300)
	s, err := Suggest(Evidence{Installs: installs, K: 40}, SuggestOptions{Bands: 20, Currency: "USD"})
	require.NoError(t, err)
	require.Greater(t, len(s.Bands), 1)
	for _, b := range s.Bands {
		require.GreaterOrEqual(t, b.Installs, 40)
	}
	for _, few := range [][]Install{installs[:30], append(append([]Install{}, paid("1")), make([]Install, 60)...)} {
		_, err = Suggest(Evidence{Installs: few, K: 40}, SuggestOptions{Bands: 20, Currency: "USD"})
		require.ErrorIs(t, err, ErrTooFewInstalls)
	}
}

func TestSuggestRefuses(t *testing.T) {
	t.Parallel()
	some := Evidence{Installs: []Install{paid("3"), paid("4")}}
	live := bandTable(t, "buy", "0.01,2", "")
	zero := decimal.Zero
	for name, c := range map[string]struct {
		e    Evidence
		o    SuggestOptions
		says string
	}{
		"no currency":      {some, SuggestOptions{Bands: 2}, "currency: is missing"},
		"unknown currency": {some, SuggestOptions{Bands: 2, Currency: "usd"}, `currency: "usd"`},
		"other currency":   {some, SuggestOptions{Bands: 2, Currency: "EUR", Current: live}, "current version counts in USD"},
		"no bands":         {some, SuggestOptions{Currency: "USD"}, "bands: is 0"},
		"too many bands":   {some, SuggestOptions{Bands: 62, From: 3, Currency: "USD"}, "room for 1 to 61"},
		"from":             {some, SuggestOptions{Bands: 1, From: 64, Currency: "USD"}, "from: is 64"},
		"cap":              {some, SuggestOptions{Bands: 1, Cap: &zero, Currency: "USD"}, "cap: is 0"},
		"no payers":        {Evidence{Installs: []Install{paid("0")}}, SuggestOptions{Bands: 1, Currency: "USD"}, "none has revenue"},
		"less than a coin": {Evidence{Installs: []Install{paid("0.001")}}, SuggestOptions{Bands: 1, Currency: "USD"}, "as much as 0.01"},
		"too much":         {Evidence{Installs: []Install{paid("999999999999999999")}}, SuggestOptions{Bands: 1, Currency: "USD"}, "add up to more"},
		"broken current":   {some, SuggestOptions{Bands: 1, Currency: "USD", Current: &Document{}}, "the current version has"},
		"lock without row": {some, SuggestOptions{Bands: 1, Current: func() *Document {
			d := bandTable(t, "buy", "0.01,2", "")
			d.Windows[0].Lock = &Lock{On: LockFine, Number: 2}
			return d
		}()}, "lock_unreachable"},
	} {
		_, err := Suggest(c.e, c.o)
		require.ErrorContains(t, err, c.says, name)
	}
}
