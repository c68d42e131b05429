package forward

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRender(t *testing.T) {
	t.Parallel()
	values := map[string]string{
		"click_id": "a b&c=d/é", "event_name": "Purchase", "revenue": "9.99", "currency": "", "idfa": "../x", "ip": "..",
	}
	for _, c := range []struct{ name, template, missing, want, err string }{
		{"query value", "https://h/p?c={click_id}", "", "https://h/p?c=a+b%26c%3Dd%2F%C3%A9", ""},
		{"path segment", "https://h/{click_id}/x", "", "https://h/a%20b&c=d%2F%C3%A9/x", ""},
		{"query key", "https://h/?{event_name}=1", "", "https://h/?Purchase=1", ""},
		{"several in one", "https://h/?s={event_name}-{revenue}", "", "https://h/?s=Purchase-9.99", ""},
		{"missing drops", "https://h/?a={currency}&b=1", "drop", "https://h/?b=1", ""},
		{"missing drops all", "https://h/p?a={currency}", "drop", "https://h/p", ""},
		{"missing drops the mixed one", "https://h/?a=x{currency}&b={revenue}", "drop", "https://h/?b=9.99", ""},
		{"missing empty", "https://h/?a={currency}&b=1", "empty", "https://h/?a=&b=1", ""},
		{"missing key drops", "https://h/?{currency}=1&b=1", "drop", "https://h/?b=1", ""},
		{"missing key empty", "https://h/?{currency}=1", "empty", "", "names a parameter"},
		{"missing in path", "https://h/{currency}", "empty", "", "in the path has no value"},
		{"bare key", "https://h/?flag&b={revenue}", "", "https://h/?flag&b=9.99", ""},
		{"empty value stays", "https://h/?a=&b={revenue}", "", "https://h/?a=&b=9.99", ""},
		{"no path", "https://h?c={revenue}", "", "https://h?c=9.99", ""},
		{"port and case", "HTTPS://Host:8443/?c={revenue}", "", "https://Host:8443/?c=9.99", ""},
		{"IPv6", "https://[2001:db8::1]:8443/{revenue}", "", "https://[2001:db8::1]:8443/9.99", ""},
		{"a value cannot climb", "https://h/a/{ip}/b", "", "", `path segment ".."`},
		{"not even in two steps", "https://h/a/.{revenue_min}/b", "", "", "no value"},
		{"a slash in a value is escaped", "https://h/a/{idfa}", "", "https://h/a/..%2Fx", ""},
		{"percent literal", "https://h/?a=%7B{revenue}%7D", "", "https://h/?a=%7B9.99%7D", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			tpl, err := ParseTemplate(c.template, c.missing)
			require.NoError(t, err)
			got, err := tpl.Render(values)
			if c.err != "" {
				require.ErrorIs(t, err, ErrTemplate)
				require.ErrorContains(t, err, c.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

func TestParseTemplateRefuses(t *testing.T) {
	t.Parallel()
	for template, want := range map[string]string{
		"":                              "https://",
		"ftp://h/":                      "https://",
		"{click_id}://h/":               "scheme cannot be a macro",
		"https://{click_id}/":           "not in the host",
		"https://h:{click_id}/":         "not in the host",
		"https://{click_id}@h/":         "not in the host",
		"https://u:p@h/":                "before @",
		"https:///p":                    "is not one",
		"https://:80/":                  "is not one",
		"https://h:x/":                  "cannot be read",
		"https://h/#{click_id}":         "fragment",
		"https://h/#x":                  "fragment",
		"https://h/?a={clickid}":        "the nearest is {click_id}",
		"https://h/?a={evnt_name}":      "the nearest is {event_name}",
		"https://h/?a={}":               "unknown macro {}",
		"https://h/?a={click_id":        "without its }",
		"https://h/?a=click_id}":        "without its {",
		"https://h/?a={{click_id}}":     "unknown macro",
		"https://h/?a=%4{click_id}":     "not well escaped",
		"https://h/%zz":                 "not well escaped",
		"https://h/?a=1;b={click_id}":   "reads differently",
		"https://h/ x":                  "write it as %20",
		"https://h/\r\nHost: evil":      "write it as %0D",
		"https://h/é":                   "write it as %C3",
		"https://h\\@evil/":             "write it as %5C",
		"https://h/" + longText(9000):   "longer than",
		"https://h/?a={" + longText(99): "without its }",
	} {
		_, err := ParseTemplate(template, MissingDrop)
		require.ErrorContains(t, err, want, template)
		require.NotContains(t, err.Error(), "\n")
	}
}

func longText(n int) string { return strings.Repeat("x", n) }

// FuzzTemplate: whatever is saved and whatever the values are, what is sent goes
// to the host that was written, and carries the values unchanged.
func FuzzTemplate(f *testing.F) {
	f.Add("https://h.example/p/{click_id}?a={event_name}&b={revenue}x{currency}", "v", "w\r\nHost: evil", "ü&=#?/", true)
	f.Add("https://h.example:8443?{click_id}={event_name}", "..", "%41", "", false)
	f.Add("http://[::1]/%7b/{event_name}", "", "@evil", "\\", true)
	f.Fuzz(func(t *testing.T, raw, a, b, c string, empty bool) {
		missing := MissingDrop
		if empty {
			missing = MissingEmpty
		}
		tpl, err := ParseTemplate(raw, missing)
		if err != nil {
			return
		}
		bare, err := url.Parse(tpl.origin)
		require.NoError(t, err)
		values := map[string]string{"click_id": a, "event_name": b, "revenue": c}
		got, err := tpl.Render(values)
		if err != nil {
			require.ErrorIs(t, err, ErrTemplate)
			return
		}
		for i := range len(got) {
			require.True(t, got[i] > ' ' && got[i] < 0x7f, "byte %q in %q", got[i], got)
		}
		u, err := url.Parse(got)
		require.NoError(t, err)
		require.Equal(t, bare.Host, u.Host)
		require.Equal(t, bare.Scheme, u.Scheme)
		require.Nil(t, u.User)
		require.Empty(t, u.Fragment)
		query, err := url.ParseQuery(u.RawQuery)
		require.NoError(t, err)
		requireValues(t, tpl, values, query)
	})
}

// requireValues looks for every "key={macro}" in the query as it was parsed again.
func requireValues(t *testing.T, tpl *Template, values map[string]string, query url.Values) {
	t.Helper()
	for _, p := range tpl.params {
		if len(p.key) != 1 || p.key[0].macro || len(p.value) != 1 || !p.value[0].macro {
			continue
		}
		key, err := url.QueryUnescape(p.key[0].text)
		require.NoError(t, err)
		if want := values[p.value[0].text]; want != "" {
			require.Contains(t, query[key], want)
		}
	}
}
