package format_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/schema"
	"skand/schema/format"
)

// vendorCase reads one of the decode cases that were collected from the vendors'
// documentation and code.
func vendorCase(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "cases", name+".json"))
	if os.IsNotExist(err) {
		t.Skip("the vendors' cases are not beside this checkout (../shared/cases)")
	}
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, into))
}

func imported(t *testing.T, name, text string) (*schema.Document, []format.Loss) {
	t.Helper()
	d, lost, err := format.Import(name, []byte(text), 0)
	require.NoError(t, err)
	return d, lost
}

func fine(v int) schema.Value { return schema.Value{Fine: &v, Digits: 4} }

func TestCaseAdjust(t *testing.T) {
	t.Parallel()
	var c struct {
		Schema   json.RawMessage `json:"native_schema"`
		Currency string          `json:"currency"`
	}
	vendorCase(t, "adjust_v4_fine12_event_count_revenue", &c)
	d, _ := imported(t, "adjust-v4", string(c.Schema))
	d.Currency = c.Currency // the format does not say it
	require.Empty(t, d.Validate().Errors)
	got := d.Decode(fine(12))
	require.Equal(t, schema.StateDecoded, got.State)
	require.Equal(t, []string{"Purchase", "Registration"}, []string{got.Events[0].Name, got.Events[1].Name})
	require.Equal(t, []int{3, 10}, []int{*got.Events[0].CountMin, *got.Events[0].CountMax})
	require.Equal(t, "3 6.5 10", got.RevenueMin.String()+" "+got.RevenueEst.String()+" "+got.RevenueMax.String())
	require.Equal(t, schema.StateUnmapped, d.Decode(fine(13)).State)
	require.Equal(t, schema.StateNull, d.Decode(schema.Value{}).State)
}

func TestCaseAirbridge(t *testing.T) {
	t.Parallel()
	var c struct {
		Schema json.RawMessage `json:"native_schema_fragment"`
	}
	vendorCase(t, "airbridge_revenue_ranges_and_v4_schema", &c)
	d, lost := imported(t, "airbridge", string(c.Schema))
	require.Empty(t, d.Decode(fine(0)).Events)
	e := d.Decode(fine(1)).Events
	require.Len(t, e, 1, "the two entries of an event are one")
	require.Equal(t, "airbridge.ecommerce.order.completed", e[0].Name)
	require.Equal(t, "adnetwork_mobile_purchase", e[0].PartnerName)
	require.Equal(t, []int{0, 1}, []int{*e[0].CountMin, *e[0].CountMax})
	require.Equal(t, "0 10000", e[0].RevenueMin.String()+" "+e[0].RevenueMax.String())
	require.True(t, slices.ContainsFunc(lost, func(l format.Loss) bool {
		return strings.HasSuffix(l.Pointer, "/schema/1") && strings.Contains(l.Message, "by its place")
	}))
}

func TestCaseGoogle(t *testing.T) {
	t.Parallel()
	var c struct {
		Schema json.RawMessage `json:"native_schema"`
	}
	vendorCase(t, "google_ads_schema_import", &c)
	d, _ := imported(t, "google-ads", string(c.Schema))
	require.EqualValues(t, 525463029, d.AppID)
	require.Equal(t, "USD", d.Currency)
	require.Empty(t, d.Validate().Errors)
	e := d.Decode(fine(12)).Events[0]
	require.Equal(t, "in_app_purchase", e.Name)
	require.Equal(t, []int{3, 10}, []int{*e.CountMin, *e.CountMax})
	require.Equal(t, "3 10", e.RevenueMin.String()+" "+e.RevenueMax.String())
	top := d.Decode(fine(63))
	require.Equal(t, "100", top.RevenueMin.String())
	require.Nil(t, top.RevenueMax, "a maximum of 0 is an open band")
	require.Equal(t, "in_app_purchase", d.Decode(schema.Value{Index: 1, Coarse: "high"}).Events[0].Name)
	require.Equal(t, schema.StateUnmapped, d.Decode(schema.Value{Index: 1, Coarse: "low"}).State)
	require.Equal(t, &schema.Lock{On: schema.LockEvent, Name: "in_app_purchase"}, d.Windows[0].Lock)
	require.Equal(t, &schema.Lock{On: schema.LockCoarse, Name: "high"}, d.Windows[1].Lock)
}

func TestCaseMeta(t *testing.T) {
	t.Parallel()
	var c struct {
		Cases []struct {
			Rules    json.RawMessage `json:"input_rules"`
			Order    []int           `json:"expect_order"`
			Valid    int             `json:"expect_valid_rules"`
			Locks    json.RawMessage `json:"input_lock"`
			Count    int             `json:"expect_count"`
			Coarse   json.RawMessage `json:"input_coarse"`
			EventSet []string        `json:"expect_event_set"`
		} `json:"cases"`
	}
	vendorCase(t, "meta_fb_sdk_config_rule_order_lock_coarse", &c)
	or := func(m json.RawMessage) string {
		if m == nil {
			return "[]"
		}
		return string(m)
	}
	for _, c := range c.Cases {
		if c.Rules == nil && c.Locks == nil && c.Coarse == nil {
			continue // the required members and the currency: TestMeta
		}
		d, lost := imported(t, "meta", `{"data":[{"default_currency":"usd","conversion_value_rules":`+or(c.Rules)+
			`,"lock_window_rules":`+or(c.Locks)+`,"coarse_cv_configs":`+or(c.Coarse)+`}]}`)
		if c.Order != nil {
			body, _, err := format.Export("meta", d, format.About{})
			require.NoError(t, err)
			var out struct {
				Data []struct {
					Rules []struct {
						Value int `json:"conversion_value"`
					} `json:"conversion_value_rules"`
				} `json:"data"`
			}
			require.NoError(t, json.Unmarshal(body, &out))
			got := []int{}
			for _, r := range out.Data[0].Rules {
				got = append(got, r.Value)
			}
			require.Equal(t, c.Order, got)
		}
		if c.Valid > 0 {
			require.Len(t, d.Windows[0].Fine, c.Valid)
			require.Contains(t, lost[0].Message, "no currency")
		}
		if c.Count > 0 {
			require.Equal(t, []*schema.Lock{{On: "time", Number: 36}, {On: "time", Number: 68}}, []*schema.Lock{d.Windows[0].Lock, d.Windows[1].Lock})
		} else if c.Locks != nil {
			require.Nil(t, d.Windows[0].Lock, "two events and an amount are no lock of ours")
			require.NotEmpty(t, lost)
		}
		for _, name := range c.EventSet {
			text, err := d.Canonical()
			require.NoError(t, err)
			require.Contains(t, string(text), name)
		}
	}
}
