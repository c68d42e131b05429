package reconcile

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
)

var plainFile = Defaults{AppID: 1, NetworkID: "n.net"}

func rows(u Upload) (out []string) {
	for _, r := range u.Rows {
		money := "-"
		if r.Revenue != nil {
			money = r.Revenue.String()
		}
		out = append(out, fmt.Sprintf("%s/%s/%d/%s", r.Event, r.CampaignID, r.Count, money))
	}
	return out
}

// TestFilesOfNetworks: our names, vendors' names, and the forms in which they export.
func TestFilesOfNetworks(t *testing.T) {
	t.Parallel()
	wide := func(s string) string {
		b := []byte{0xff, 0xfe}
		for _, u := range utf16.Encode([]rune(s)) {
			b = append(b, byte(u), byte(u>>8))
		}
		return string(b)
	}
	for name, test := range map[string]struct {
		text     string
		defaults Defaults
		want     []string // rows of all days
		days     string
		warns    string
	}{
		"our names": {
			text: "day,event,campaign_id,count,revenue,currency,time_zone\n2026-11-02,purchase,39,3,29.97,USD,America/Los_Angeles\n2026-11-02,install,,7,,,\n",
			want: []string{"install//7/-", "purchase/39/3/29.97"}, days: "2026-11-02 USD America/Los_Angeles",
		},
		"a tracking vendor": {
			text: "\xef\xbb\xbfDate,Campaign ID,Event Name,Event Counter,Event Revenue (USD),Cost currency,Media Source\n2026/11/02,c1,af_purchase,\"1,204\",\"12,040.50\",usd,net\n",
			want: []string{"af_purchase/c1/1204/12040.5"}, days: "2026-11-02 USD ", warns: `"Media Source"`,
		},
		"installs in a column of their own": {
			text: "By Day;Campaign ID;Installs;Cost\n2026-11-02;c1;12;5.00\n2026-11-03;c1;3.00;1\n",
			want: []string{"install/c1/12/-", "install/c1/3/-"}, days: "2026-11-02  |2026-11-03  ", warns: `"Cost"`,
		},
		"event name with installs":    {text: "Event Name\tInstalls\tDate\ninstall\t4\tNov 2, 2026\n", want: []string{"install//4/-"}, days: "2026-11-02  "},
		"UTF-16 with tabs":            {text: wide("Day\tConversion action\tConversions\tConv. value\r\n2026-11-02\tKäufe\t2.00\t5.5\r\n"), defaults: Defaults{AppID: 1, NetworkID: "n", Currency: "EUR"}, want: []string{"Käufe//2/5.5"}, days: "2026-11-02 EUR "},
		"the day said with it":        {text: "event,count\ninstall,1\n", defaults: Defaults{AppID: 1, NetworkID: "n", Day: "2026-11-02", TimeZone: "UTC-8"}, want: []string{"install//1/-"}, days: "2026-11-02  UTC-8"},
		"nothing was counted":         {text: "event,count\n", defaults: Defaults{AppID: 1, NetworkID: "n", Day: "2026-11-02"}, days: "2026-11-02  "},
		"finer than we compare":       {text: "day,event,country,count,revenue,currency\n2026-11-02,Buy,DE,1,1.10,EUR\n2026-11-02,buy,FR,2,2.20,EUR\n", want: []string{"Buy//3/3.3"}, days: "2026-11-02 EUR ", warns: "1 lines were added"},
		"quotes, commas, empty lines": {text: "day,event,count\n\n2026-11-02,\"buy, twice\",1\n,,\n", want: []string{"buy, twice//1/-"}, days: "2026-11-02  "},
		"refunds":                     {text: "day,event,count,revenue,currency\n2026-11-02,buy,1,-4.99,USD\n", want: []string{"buy//1/-4.99"}, days: "2026-11-02 USD "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.defaults.AppID == 0 {
				test.defaults = plainFile
			}
			uploads, warnings, err := ParseFile([]byte(test.text), test.defaults)
			require.NoError(t, err)
			var got, days []string
			for _, u := range uploads {
				got = append(got, rows(u)...)
				days = append(days, u.Day+" "+u.Currency+" "+u.TimeZone)
			}
			require.Equal(t, test.want, got)
			require.Equal(t, test.days, strings.Join(days, "|"))
			if test.warns == "" {
				require.Empty(t, warnings)
			}
			require.Contains(t, strings.Join(warnings, "\n"), test.warns)
		})
	}
}

func problems(t *testing.T, err error) (out []string) {
	t.Helper()
	var refused *Refused
	require.ErrorAs(t, err, &refused, "%v", err)
	require.NotEmpty(t, refused.Error())
	for _, p := range refused.Problems {
		require.NotEmpty(t, p.Message)
		out = append(out, strings.TrimSpace(fmt.Sprintf("%d %s %s", p.Line, p.Field, p.Code)))
	}
	return out
}

// TestEveryBadLineIsNamed, with its field, and nothing of the file is used.
func TestEveryBadLineIsNamed(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"day,event,count,revenue,currency\n2026-11-02,buy,1,1,USD\n02/11/2026,buy,1,1,USD\n2026-11-02,,-1,1.234.5,USD\n2026-11-02,buy,1.5,€4,EUR\n2026-11-02,buy,1,\"1.234,50\",USD\n": {
			"3 day bad_value", "4 event missing", "4 count bad_value", "4 revenue bad_value",
			"5 count bad_value", "5 revenue bad_value", "5 currency bad_value", "6 revenue bad_value",
		},
		"":                           {"1  missing"},
		"day,event\n":                {"1 count missing"},
		"day,count\n2026-11-02,1\n":  {"1 event missing"},
		"day,installs,conversions\n": {"1 count duplicate"},
		"day,date,event,count\n":     {"1 day duplicate"},
		"event,count\nbuy,1\n":       {"2 day missing"},
		"day,event,count\n":          {"0 day missing"},
		"day,event,count\nTotal,,5\n2026-11-02,buy,1\n":                    {"2 day total_line"},
		"day,event,count\n2026-11-02,a,b,1\n":                              {"2  bad_value"},
		"day,event,count\n2026-11-02,\"a,1\n2026-11-02,b,2\n":              {"2  bad_value"},
		"day,event,count\n2026-11-02,buy\n":                                {"2 count missing"},
		"day,event,count,revenue\n2026-11-02,buy,1,2\n":                    {"0 currency missing"},
		"day,event,count,timezone\n2026-11-02,buy,1,Mars/Base\n":           {"0 time_zone bad_value"},
		"day,event,count\n2026-11-02,\xff,1\n":                             {"0  bad_value"},
		"day,event,count\n2026-11-02,a\tb,1\n":                             {"2 event too_long"},
		"day,event,count\n2026-11-02," + strings.Repeat("x", 201) + ",1\n": {"2 event too_long"},
	} {
		uploads, _, err := ParseFile([]byte(text), plainFile)
		var got []string
		for _, p := range problems(t, err) {
			got = append(got, strings.ReplaceAll(p, "  ", " "))
		}
		for i := range want {
			want[i] = strings.ReplaceAll(want[i], "  ", " ")
		}
		require.Equal(t, want, got, "%q", text)
		require.Empty(t, uploads)
	}
	_, _, err := ParseFile([]byte("day,event,count\n"+strings.Repeat("2026-11-02,buy,1\n", MaxRows+1)), plainFile)
	require.Equal(t, []string{fmt.Sprintf("%d  too_many", MaxRows+2)}, problems(t, err))
	_, _, err = ParseFile(make([]byte, MaxBytes+1), plainFile)
	require.Equal(t, []string{"0  too_many"}, problems(t, err))
	_, _, err = ParseFile([]byte("day,event,count\n2026-11-03,buy,1\n"), Defaults{AppID: 1, NetworkID: "n", Day: "2026-11-02"})
	require.Equal(t, []string{"2 day bad_value"}, problems(t, err))
}

func TestBodies(t *testing.T) {
	t.Parallel()
	u, warnings, err := ParseBody([]byte(`{"app_id":1,"time_zone":"UTC+5:30","currency":"USD","source":"report 7","rows":[
		{"event":"buy","campaign_id":"c","count":2,"revenue":"9.990"},{"event":"Buy","campaign_id":"c","count":1,"revenue":1.5},{"event":"install","count":"4"}]}`), "n", "2026-11-02")
	require.NoError(t, err)
	require.Equal(t, []string{"buy/c/3/11.49", "install//4/-"}, rows(u))
	require.Len(t, warnings, 1)
	u, _, err = ParseBody([]byte(`{"app_id":1,"rows":[]}`), "n", "2026-11-02")
	require.NoError(t, err)
	require.Empty(t, u.Rows)
	for body, want := range map[string][]string{
		`{"app_id":1,"row":[]}`: {"0  bad_value"},
		`{"app_id":1}`:          {"0 rows missing"},
		`[]`:                    {"0  bad_value"},
		`{"rows":[]} {}`:        {"0  bad_value"},
		`{"rows":[{"event":"x","count":1,"revenue":"1e999999999"},{"count":1.5},{"event":"x"},{"event":"x","count":1,"n":1},5]}`: {
			"0 app_id missing", "1 revenue bad_value", "2 event missing", "2 count bad_value", "3 count missing", "4 n unknown_field", "5  bad_value",
		},
		`{"app_id":1,"currency":"usd","rows":[]}`:                                  {"0 currency bad_value"},
		`{"app_id":1,"rows":[{"event":"x","count":1,"revenue":"1"}]}`:              {"0 currency missing"},
		`{"app_id":1,"source":"` + strings.Repeat("s", 300) + `","rows":[]}`:       {"0 source too_long"},
		`{"app_id":1,"rows":[{"event":"x","count":-1},{"event":"x","count":1e3}]}`: {"1 count bad_value", "2 count bad_value"},
	} {
		_, _, err := ParseBody([]byte(body), "n", "2026-11-02")
		require.Equal(t, want, problems(t, err), body)
	}
}

func TestZones(t *testing.T) {
	t.Parallel()
	for name, hours := range map[string]float64{
		"UTC": 0, "America/Los_Angeles": -8, "UTC-8": -8, "gmt+1": 0, "GMT+1": 1, "+05:30": 5.5, "UTC+14": 14, "-0330": -3.5, "Europe/Berlin": 1,
	} {
		if name == "gmt+1" {
			_, err := ParseZone(name)
			require.Error(t, err)
			continue
		}
		z, err := ParseZone(name)
		require.NoError(t, err, name)
		_, seconds := monday.In(z).Zone()
		require.InDelta(t, hours*3600, seconds, 0, name)
	}
	for _, bad := range []string{"", "Local", "PST", "UTC+15", "UTC+5:31", "../etc/passwd", "/etc/localtime", "America/Nowhere", strings.Repeat("a/", 99)} {
		_, err := ParseZone(bad)
		require.Error(t, err, bad)
	}
	seen := map[string]bool{}
	for _, z := range plausible() {
		require.False(t, seen[z.String()], z)
		seen[z.String()] = true
		again, err := ParseZone(z.String())
		require.NoError(t, err)
		_, is := monday.In(again).Zone()
		_, was := monday.In(z).Zone()
		require.Equal(t, was, is)
		from, to := Reach(monday)
		dayFrom, dayTo := dayIn(monday, z)
		require.LessOrEqual(t, from.UnixMilli(), dayFrom, "every day that may be meant is read")
		require.GreaterOrEqual(t, to.UnixMilli(), dayTo)
	}
	require.Len(t, seen, 27+12)
}

// FuzzUploads: whatever is sent, it is refused, or kept such that it reads the same.
func FuzzUploads(f *testing.F) {
	f.Add([]byte("day,event,count,revenue,currency\n2026-11-02,buy,1,1.5,USD\n"), true)
	f.Add([]byte(`{"app_id":1,"currency":"USD","rows":[{"event":"buy","count":1,"revenue":"1.5"}]}`), false)
	f.Add([]byte("Installs;Day\n\"1,000\";20261102\n"), true)
	f.Fuzz(func(t *testing.T, raw []byte, file bool) {
		var uploads []Upload
		var err error
		if file {
			uploads, _, err = ParseFile(raw, plainFile)
		} else {
			var u Upload
			u, _, err = ParseBody(raw, "n", "2026-11-02")
			uploads = []Upload{u}
		}
		var refused *Refused
		if err != nil {
			require.ErrorAs(t, err, &refused)
			require.NotEmpty(t, refused.Problems)
			return
		}
		for _, u := range uploads {
			kept, err := json.Marshal(u)
			require.NoError(t, err)
			var again Upload
			require.NoError(t, json.Unmarshal(kept, &again))
			require.Equal(t, rows(u), rows(again))
			r, err := Compare("n", []Day{{Upload: u}})
			require.NoError(t, err)
			conserved(t, r.Lines)
		}
	})
}

func TestRefusedSaysTheFirst(t *testing.T) {
	t.Parallel()
	require.Equal(t, "line 3: count: is none (and 1 more)", (&Refused{[]Problem{{3, "count", "x", "is none"}, {4, "", "", ""}}}).Error())
	require.Equal(t, "day: is none", (&Refused{[]Problem{{0, "day", "x", "is none"}}}).Error())
	require.Equal(t, "is none", (&Refused{[]Problem{{0, "", "x", "is none"}}}).Error())
	require.NoError(t, refused(nil))
	require.True(t, errors.As(refused([]Problem{{}}), new(*Refused)))
}
