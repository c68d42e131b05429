package forward

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFormTemplate(t *testing.T) {
	t.Parallel()
	values := map[string]string{"click_id": "a b&c=d%+é", "event_name": "Purchase"}
	for _, c := range []struct{ name, template, missing, want string }{
		{"pairs", "a={click_id}&b=x", "", "a=a+b%26c%3Dd%25%2B%C3%A9&b=x"},
		{"one object of texts", `{"b c": "x y-{event_name}", "a": "{click_id}"}`, "", "a=a+b%26c%3Dd%25%2B%C3%A9&b+c=x+y-Purchase"},
		{"missing drops", "a={idfa}&b={event_name}", "", "b=Purchase"},
		{"missing empty", "a={idfa}&b={event_name}", MissingEmpty, "a=&b=Purchase"},
		{"a macro names a pair", "{event_name}=1", "", "Purchase=1"},
		{"begins with a macro", "{event_name}={click_id}", "", "Purchase=a+b%26c%3Dd%25%2B%C3%A9"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			body, err := parseFormTemplate(c.template)
			require.NoError(t, err)
			got, err := body.render(Delivery{}, lookup(values), c.missing == MissingEmpty)
			require.NoError(t, err)
			require.Equal(t, c.want, string(got))
		})
	}
	for template, want := range map[string]string{
		"a={clickid}":         "byte 3: unknown macro {clickid}; the nearest is {click_id}",
		"a=1&bb={evnt_name}":  "byte 8: unknown macro",
		"a=x y":               "write it as %20",
		"={click_id}":         "has no name",
		`{"a": 1}`:            "one object of texts",
		`{"a": "{clickid}"}`:  "the nearest is {click_id}",
		"a=1;b=2":             "reads differently",
		"a={secret}":          "headers and in query_auth only",
		"a=%zz":               "not well escaped",
		"a={evnt_name}&b=%4{": "byte 17",
	} {
		_, err := parseFormTemplate(template)
		require.ErrorContains(t, err, want, template)
	}
}

// FuzzForm: whatever the values are, a receiver reads back exactly those.
func FuzzForm(f *testing.F) {
	f.Add("v&x=1", "é\x00;", "")
	f.Add("", "%41", "+")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		values := map[string]string{"click_id": a, "event_name": b, "country": c}
		body, err := parseFormTemplate("a={click_id}&b=x{event_name}&c={country}&d=1")
		require.NoError(t, err)
		got, err := body.render(Delivery{}, lookup(values), true)
		require.NoError(t, err)
		read, err := url.ParseQuery(string(got))
		require.NoError(t, err)
		require.Equal(t, url.Values{"a": {a}, "b": {"x" + b}, "c": {c}, "d": {"1"}}, read)
		got, err = body.render(Delivery{}, lookup(values), false)
		require.NoError(t, err)
		want := url.Values{"d": {"1"}}
		for name, v := range map[string]string{"a": a, "c": c} {
			if v != "" {
				want[name] = []string{v}
			}
		}
		if b != "" {
			want["b"] = []string{"x" + b}
		}
		read, err = url.ParseQuery(string(got))
		require.NoError(t, err)
		require.Equal(t, want, read)
	})
}
