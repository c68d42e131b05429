package conversion_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"skand/conversion"
)

var noon = time.Date(2026, 11, 16, 12, 0, 0, 0, time.UTC)

type checked interface {
	Check(now time.Time) *conversion.Rejection
}

// fault is the code and field of a rejection, "" for none.
func fault(r *conversion.Rejection) string {
	if r == nil {
		return ""
	}
	return r.Code + " " + r.Field
}

func TestCheckOfWhatAllItemsShare(t *testing.T) {
	t.Parallel()
	for want, item := range map[string]struct {
		id   string
		app  int64
		when time.Time
	}{
		"":                     {strings.Repeat("x", 200), 10738027756, noon.Add(24 * time.Hour)},
		"missing id":           {"", 1, noon},
		"too_long id":          {strings.Repeat("x", 201), 1, noon},
		"control_character id": {"a\x00b", 1, noon},
		"missing app_id":       {"a", 0, noon},
		"missing time":         {"a", 1, time.Time{}},
		"in_the_future time":   {"a", 1, noon.Add(24*time.Hour + time.Millisecond)},
		"out_of_range time":    {"a", 1, time.Date(1969, 12, 31, 0, 0, 0, 0, time.UTC)},
	} {
		for _, c := range []checked{
			&conversion.Click{ID: item.id, AppID: item.app, Time: item.when, NetworkID: "n"},
			&conversion.Install{ID: item.id, AppID: item.app, Time: item.when},
			&conversion.Event{ID: item.id, AppID: item.app, Time: item.when, InstallID: "i", Name: "purchase"},
		} {
			if _, made := c.(*conversion.Event); made && item.id == "" {
				require.Empty(t, fault(c.Check(noon)), "an event without an id has that of install, name and time")
				continue
			}
			require.Equal(t, want, fault(c.Check(noon)), "%T", c)
		}
	}
}

func TestCheckOfEachKind(t *testing.T) {
	t.Parallel()
	read := func(kind, members string) checked {
		body := `{"id":"a","app_id":1,"time":"2026-11-16T12:00:00Z"` + members + `}`
		item := map[string]checked{"click": &conversion.Click{}, "install": &conversion.Install{}, "event": &conversion.Event{}, "consent": &conversion.ConsentReport{}}[kind]
		require.NoError(t, json.Unmarshal([]byte(body), item), body)
		return item
	}
	const event = `,"install_id":"i","name":"purchase"`
	long, longer := strings.Repeat("x", 201), strings.Repeat("x", 2001)
	for _, c := range []struct{ kind, members, want string }{
		{"click", `,"network_id":"n"`, ""},
		{"click", `,"network_id":"n","interaction":"view","campaign_name":"Wintér ❄"`, ""},
		{"click", ``, "missing network_id"},
		{"click", `,"network_id":"n","interaction":"tap"`, "unknown_value interaction"},
		{"click", `,"network_id":"` + long + `"`, "too_long network_id"},
		{"click", `,"network_id":"n","campaign_name":"a\u0000b"`, "control_character campaign_name"},
		{"click", `,"network_id":"n","user_agent":"` + longer + `"`, "too_long user_agent"},
		{"install", ``, ""},
		{"install", `,"att_status":"not_determined"`, ""},
		{"install", `,"att_status":"Authorized"`, "unknown_value att_status"},
		{"install", `,"click_id":"` + long + `"`, "too_long click_id"},
		{"install", `,"idfv":"a\nb"`, "control_character idfv"},
		{"install", `,"gdpr_applies":true,"gdpr_purposes":[1,7],"consent_time":"2026-11-16T11:00:00Z"`, ""},
		{"install", `,"gdpr_purposes":[0]`, "out_of_range gdpr_purposes"},
		{"install", `,"gdpr_purposes":[65]`, "out_of_range gdpr_purposes"},
		{"install", `,"consent_time":"2026-11-17T12:00:01Z"`, "in_the_future consent_time"},
		{"consent", `,"install_id":"i","att_status":"denied"`, ""},
		{"consent", `,"install_id":"i","limited_data_sharing":false`, ""},
		{"consent", `,"install_id":"i","gdpr_applies":false`, ""},
		{"consent", `,"install_id":"i","gdpr_purposes":[]`, ""},
		{"consent", `,"install_id":"i"`, "missing att_status"},
		{"consent", `,"att_status":"denied"`, "missing install_id"},
		{"consent", `,"install_id":"i","att_status":"yes"`, "unknown_value att_status"},
		{"consent", `,"install_id":"i","gdpr_purposes":[99]`, "out_of_range gdpr_purposes"},
		{"consent", `,"install_id":"` + long + `","att_status":"denied"`, "too_long install_id"},
		{"event", event, ""},
		{"event", event + `,"revenue":"9.99","currency":"USD","properties":{"level":3}`, ""},
		{"event", event + `,"revenue":"-9.99","currency":"USD"`, ""},
		{"event", event + `,"revenue":"999999999999.999999999","currency":"USD","properties":null`, ""},
		{"event", `,"name":"purchase"`, "missing install_id"},
		{"event", `,"install_id":"i"`, "missing name"},
		{"event", `,"install_id":"i","name":"` + long + `"`, "too_long name"},
		{"event", `,"install_id":"` + long + `","name":"n"`, "too_long install_id"},
		{"event", event + `,"revenue":"9.99"`, "missing currency"},
		{"event", event + `,"currency":"usd"`, "unknown_value currency"},
		{"event", event + `,"revenue":"1e12","currency":"USD"`, "out_of_range revenue"},
		{"event", event + `,"revenue":"1e9999","currency":"USD"`, "out_of_range revenue"},
		{"event", event + `,"revenue":"1e-9999","currency":"USD"`, "out_of_range revenue"},
		{"event", event + `,"revenue":"0.0000000001","currency":"USD"`, "out_of_range revenue"},
		{"event", event + `,"properties":[1]`, "wrong_type properties"},
		{"event", event + ",\"properties\":{\"a\":\"\xff\"}", "not_utf8 properties"},
	} {
		require.Equal(t, c.want, fault(read(c.kind, c.members).Check(noon)), "%s %.80s", c.kind, c.members)
	}
}

func TestRejectionNamesItsField(t *testing.T) {
	t.Parallel()
	e := conversion.Event{ID: "e", AppID: 1, Time: noon, InstallID: "i", Name: "n", Revenue: ptr(decimal.New(1, 0))}
	require.EqualError(t, e.Check(noon), "currency: revenue needs its ISO 4217 currency")
	require.EqualError(t, &conversion.Rejection{Message: "one object is wanted"}, "one object is wanted")
}
