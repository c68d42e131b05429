package forward

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func programOf(t *testing.T, d Destination) *Program {
	t.Helper()
	p, err := Compile(d)
	require.NoError(t, err)
	return p
}

func eventDelivery() Delivery {
	return Delivery{
		ID: "0b0e4a6e-6b0d-5a54-9d5f-3a1d6b1c2e11", Kind: KindEvent, EventName: "Purchase", Attempts: 2, Consent: "authorized",
		Fields: map[string]string{
			"click_id": "c-1", "event_id": "e-1", "app_id": "525463029", "revenue": "9.90", "currency": "USD", "count": "1",
			"event_time_unix": "1793697300", "is_test": "false", "idfa": "6D92078A-8246-4BA4-AE5B-76104861E7DC", "row_id": "007",
		},
	}
}

func TestProgramRender(t *testing.T) {
	t.Parallel()
	const u = "https://h.example/p/{event_name}?c={click_id}&id={delivery_id}&n={attempt}"
	for _, c := range []struct {
		name, contentType, body string
		d                       Destination
	}{
		{"get", "", "", Destination{URL: u}},
		{"post without a body", "", "", Destination{URL: u, Method: MethodPost}},
		{"json template", "application/json", `{"v":9.90,"e":"Purchase","n":2}`, Destination{URL: u, Method: MethodPost, Body: BodyJSON,
			BodyTemplate: `{"v": {revenue}, "e": "{event_name}", "x": "{country}", "n": {attempt}}`}},
		{"form template", "application/x-www-form-urlencoded", "e=Purchase&v=9.90", Destination{URL: u, Method: MethodPost, Body: BodyForm,
			BodyTemplate: "e={event_name}&v={revenue}&x={country}"}},
		{"form document", "application/x-www-form-urlencoded",
			"click_id=c-1&event_id=e-1&event_name=Purchase&event_time_unix=1793697300&app_id=525463029&revenue=9.90&currency=USD&count=1" +
				"&idfa=6D92078A-8246-4BA4-AE5B-76104861E7DC&row_id=007&is_test=false&delivery_id=0b0e4a6e-6b0d-5a54-9d5f-3a1d6b1c2e11",
			Destination{URL: u, Method: MethodPost, Body: BodyForm}},
		{"json document", "application/json",
			`{"type":"conversion.event","id":"0b0e4a6e-6b0d-5a54-9d5f-3a1d6b1c2e11","click_id":"c-1","event_id":"e-1","event":"Purchase",` +
				`"event_time_unix":1793697300,"app_id":525463029,"revenue":"9.90","currency":"USD","count":1,` +
				`"idfa":"6D92078A-8246-4BA4-AE5B-76104861E7DC","row_id":"007","is_test":false}`,
			Destination{URL: u, Method: MethodPost, Body: BodyJSON}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r, err := programOf(t, c.d).Render(eventDelivery())
			require.NoError(t, err)
			require.Equal(t, "https://h.example/p/Purchase?c=c-1&id=0b0e4a6e-6b0d-5a54-9d5f-3a1d6b1c2e11&n=2", r.URL)
			require.Equal(t, c.d.WithDefaults().Method, r.Method)
			require.Equal(t, c.contentType, r.Header.Get("Content-Type"))
			require.Equal(t, c.body, string(r.Body))
		})
	}
}

func TestProgramRawSendsApplesBytes(t *testing.T) {
	t.Parallel()
	p := programOf(t, Destination{URL: "https://h/", Method: MethodPost, Body: BodyRaw, Kinds: []string{KindPostback}})
	payload := " {\"version\" : \"4.0\",\r\n \"x\":\"\\u00e9é\"}\n"
	r, err := p.Render(Delivery{Kind: KindPostback, Fields: map[string]string{"sk_payload": payload}})
	require.NoError(t, err)
	require.Equal(t, payload, string(r.Body))
	require.Equal(t, "application/json", r.Header.Get("Content-Type"))
	_, err = p.Render(Delivery{Kind: KindPostback})
	require.ErrorIs(t, err, ErrTemplate)
}

func TestProgramModeledBody(t *testing.T) {
	t.Parallel()
	p := programOf(t, Destination{URL: "https://h/", Method: MethodPost, Body: BodyJSON, Kinds: []string{KindModeled}})
	dv := Delivery{ID: "d-1", Kind: KindModeled, EventName: "payer", Fields: map[string]string{
		"row_id": "r/1", "revision": "1", "app_id": "525463029", "network_id": "example123.skadnetwork", "source_identifier": "0039",
		"window_start": "2026-10-26T00:00:00Z", "window_end": "2026-11-02T00:00:00Z", "count": "41", "count_low": "37", "count_high": "46",
		"revenue": "120.50", "currency": "USD", "is_modeled": "true", "model_version": "m3", "event_id": "not in it",
	}}
	r, err := p.Render(dv)
	require.NoError(t, err)
	require.Equal(t, `{"type":"conversion.modeled","id":"d-1","row_id":"r/1","revision":1,"app_id":525463029,`+
		`"network_id":"example123.skadnetwork","source":"0039","window_start":"2026-10-26T00:00:00Z","window_end":"2026-11-02T00:00:00Z",`+
		`"event":"payer","count":41,"count_low":37,"count_high":46,"revenue":"120.50","currency":"USD","is_modeled":true,"model_version":"m3"}`, string(r.Body))
	dv.Fields = map[string]string{"count": "41"}
	r, err = p.Render(dv)
	require.NoError(t, err)
	require.Contains(t, string(r.Body), `"revenue":null,"currency":null,"is_modeled":null,"model_version":null}`)
}

func TestProgramHeaders(t *testing.T) {
	t.Parallel()
	d := Destination{URL: "https://h/", Headers: map[string]string{
		"x-event": "{event_name}-1", "X-Country": "{country}", "Authorization": "Key {secret}", "X-Fixed": "v1", "X-Campaign": "{campaign_name}",
	}}
	r, err := programOf(t, d).Render(eventDelivery())
	require.NoError(t, err)
	require.Equal(t, http.Header{"X-Event": {"Purchase-1"}, "X-Fixed": {"v1"}}, r.Header)
	d.Missing = MissingEmpty
	r, err = programOf(t, d).Render(eventDelivery())
	require.NoError(t, err)
	require.Equal(t, http.Header{"X-Event": {"Purchase-1"}, "X-Fixed": {"v1"}, "X-Country": {""}, "X-Campaign": {""}}, r.Header)
	for _, bad := range []string{"a\r\nHost: evil", "a\nb", "a\x00b", "é", "a\x7fb", strings.Repeat("x", maxHeaderValue+1)} {
		dv := eventDelivery()
		dv.Fields["campaign_name"] = bad
		_, err = programOf(t, d).Render(dv)
		require.ErrorIs(t, err, ErrTemplate, "%q", bad)
		require.NotContains(t, err.Error(), "Host")
	}
	for text, want := range map[string]string{
		"{clickid}": "headers.X-A: byte 1: unknown macro {clickid}; the nearest is {click_id}",
		"a\r\nb":    `byte 2: '\r' cannot stand in a header`,
		"a}":        "without its {",
		"{a":        "without its }",
		"é":         "printable ASCII",
	} {
		_, err := Compile(Destination{URL: "https://h/", Headers: map[string]string{"X-A": text}})
		require.ErrorContains(t, err, want)
	}
}

func TestProgramByConsent(t *testing.T) {
	t.Parallel()
	d := Destination{
		URL: "https://h/base?c={click_id}", Method: MethodPost, Body: BodyJSON, BodyTemplate: `{"b":"{event_name}"}`,
		Consent: &Consent{
			Authorized: &ConsentTemplate{BodyTemplate: `{"i":"{idfa}"}`},
			Denied:     &ConsentTemplate{URL: "https://h/denied"},
		},
	}
	for consent, want := range map[string][2]string{
		"authorized": {"https://h/base?c=c-1", `{"i":"6D92078A-8246-4BA4-AE5B-76104861E7DC"}`},
		"denied":     {"https://h/denied", `{"b":"Purchase"}`},
		"":           {"https://h/base?c=c-1", `{"b":"Purchase"}`},
	} {
		dv := eventDelivery()
		dv.Consent = consent
		r, err := programOf(t, d).Render(dv)
		require.NoError(t, err)
		require.Equal(t, want, [2]string{r.URL, string(r.Body)}, consent)
	}
	d.Consent.Denied = &ConsentTemplate{Block: true}
	dv := eventDelivery()
	dv.Consent = "denied"
	_, err := programOf(t, d).Render(dv)
	require.ErrorIs(t, err, ErrTemplate)
	require.ErrorContains(t, err, "without consent")
}

func TestCompileTellsEveryFault(t *testing.T) {
	t.Parallel()
	_, err := Compile(Destination{
		URL: "https://h/{evnt_name}?a={clickid}", Method: MethodPost, Body: BodyJSON, BodyTemplate: `{"a":"{idfq}","a":1}`,
		Headers: map[string]string{"X-A": "{contry}"},
		Consent: &Consent{Denied: &ConsentTemplate{URL: "https://h/?x={revenu}", BodyTemplate: "{"}},
	})
	for _, want := range []string{
		"url: byte 11: unknown macro {evnt_name}; the nearest is {event_name}",
		"url: byte 25: unknown macro {clickid}",
		"body_template: line 1, column 7: unknown macro {idfq}; the nearest is {idfa}",
		`body_template: line 1, column 15: the member "a"`,
		"headers.X-A: byte 1: unknown macro {contry}; the nearest is {country}",
		"consent.denied.url: byte 14: unknown macro {revenu}; the nearest is {revenue}",
		"consent.denied.body_template: line 1, column 2: want a member's name",
	} {
		require.ErrorContains(t, err, want)
	}
	require.Len(t, strings.Split(err.Error(), "\n"), 7, "each once")
}

func TestProgramRedact(t *testing.T) {
	t.Parallel()
	p := programOf(t, Destination{
		URL: "https://h/hooks/T0000SECRETSEGMENT1/x?token=s3cr%2Bet&v=1", Method: MethodPost, Body: BodyJSON,
		BodyTemplate: `{"key":"abcdefgh12345678","event":"{event_name}"}`, Headers: map[string]string{"X-Key": "0123456789abcdefXYZ"},
	})
	dv := eventDelivery()
	got := p.Redact(`no s3cr+et s3cr%2Bet T0000SECRETSEGMENT1 abcdefgh12345678 0123456789abcdefXYZ 6d92078a-8246-4ba4-ae5b-76104861e7dc `+
		`v=1 Purchase whsec%2Babc= whsec+abc=`, dv, []string{"whsec+abc="})
	require.Equal(t, "no [redacted] [redacted] [redacted] [redacted] [redacted] [redacted] v=1 Purchase whsec%2Babc= [redacted]", strings.ReplaceAll(got, "whsec%2Babc%3D", "?"))
	require.Equal(t, "OK", p.Redact("OK", dv, []string{"OK"}))
	require.Equal(t, "xyz [redacted] [redacted]", p.Redact("xyz a/b+c=d a%2Fb%2Bc%3Dd", dv, []string{"a/b+c=d"}))
}

// TestSamplesRender: a sample of every kind renders in every form of body.
func TestSamplesRender(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 3, 9, 15, 0, 0, time.UTC)
	for _, kind := range knownKinds {
		for _, body := range []string{BodyJSON, BodyForm} {
			d := Destination{ID: "d", AppID: 525463029, Kinds: []string{kind}, URL: "https://h/{network_id}", Method: MethodPost, Body: body, SendRevenue: true}.WithDefaults()
			for _, consent := range []string{"authorized", "denied"} {
				dv := Sample(d, kind, consent, now)
				r, err := programOf(t, d).Render(dv)
				require.NoError(t, err)
				require.NotEmpty(t, r.Body)
				require.Equal(t, "true", dv.Fields["is_test"])
				if consent == "denied" {
					require.NotContains(t, string(r.Body), "6D92078A", kind)
				}
			}
		}
	}
}
