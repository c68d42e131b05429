package apply_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/internal/apply"
)

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return dir
}

func TestReadAFolder(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{
		"a.yaml":            "apps: [{app_id: 1, schema: schemas/one.json}]",
		"schemas/one.json":  `{"windows":[]}`,
		"b.json":            `{"apps":[{"app_id":2,"schema":"two.yml"}],"networks":[{"network_id":"n"}]}`,
		"two.yml":           "windows: [] # by its digits: 0.10",
		"deep/c.yml":        "forward: {allow_private_cidrs: []}",
		"notes.txt":         "not read",
		"trusted-keys.yaml": "trusted_keys: [{name: k, spki: x, environment: development}]",
	})
	b, err := apply.Read(dir)
	require.NoError(t, err)
	require.Len(t, b.Apps, 2)
	require.Equal(t, `{"windows":[]}`, string(b.Apps[0].Schema))
	require.Equal(t, `{"windows":[]}`, string(b.Apps[1].Schema))
	require.Len(t, b.Networks, 1)
	require.Len(t, b.TrustedKeys, 1)
	require.NotNil(t, b.Forward)

	one, err := apply.Read(filepath.Join(dir, "b.json"))
	require.NoError(t, err)
	require.Len(t, one.Apps, 1)
}

func TestReadSaysWhichFile(t *testing.T) {
	t.Parallel()
	for want, files := range map[string]map[string]string{
		"no .yaml, .yml or .json":    {"a.txt": ""},
		"stray.json: holds none of":  {"a.yaml": "apps: [{app_id: 1}]", "stray.json": `{"windows":[]}`},
		"empty.yaml: YAML: there is": {"empty.yaml": "# nothing"},
		"a.yaml: apps[0].schema":     {"a.yaml": "apps: [{app_id: 1, schema: gone.json}]"},
		"a.yaml: YAML: ":             {"a.yaml": "apps: ["},
		"apps[0].schema: s.yaml":     {"a.yaml": "apps: [{app_id: 1, schema: s.yaml}]", "s.yaml": "a: 0x10"},
		"apps.app_id: want int64":    {"a.yaml": "apps: [{app_id: '1'}]"},
	} {
		_, err := apply.Read(folder(t, files))
		require.ErrorContains(t, err, want)
	}
	_, err := apply.Read(filepath.Join(t.TempDir(), "gone"))
	require.ErrorContains(t, err, "gone")
}

// What this version can't honour is refused by name, never ignored.
func TestParseRefuses(t *testing.T) {
	t.Parallel()
	const dest = `{"destinations":[{"id":"d","app_id":1,"kinds":["install"],"url":"https://a.example/",`
	for text, want := range map[string]string{
		"app: []": `"app" is not a setting`,
		"apps: [{app_id: 1, events: [{when: x}]}]":               `"when" is not a setting`,
		"networks: [{network_id: n, campaigns: [{name: x}]}]":    `"name" is not a setting`,
		"rates: [{day: x}]":                                      `"day" is not a setting`,
		"rates: [{rate: much}]":                                  "can't convert much",
		"costs: []":                                              `"costs" is not a setting`,
		"trusted_keys: [{name: k, secret: x}]":                   `"secret" is not a setting`,
		dest + `"bodyy":"json"}]}`:                               `destination "d": bodyy: is not a setting of a destination; the nearest is body`,
		dest + `"colour":"red"}]}`:                               "colour: is not a setting of a destination",
		dest + `"timeout":"soon"}]}`:                             "is not a duration",
		"apps: 5":                                                "apps: want",
		"apps: [{app_id: 5.25463029e+08}]":                       "plain decimal digits",
		"apps: [{app_id: 525463029.5}]":                          "apps.app_id",
		"apps: [{app_id: 99999999999999999999}]":                 "apps.app_id",
		"networks: [{network_id: n, campaigns: [{source: 39}]}]": "networks.campaigns.source: want string",
		"[]":                                 "want an object",
		"text":                               "want an object",
		"":                                   "there is nothing in it",
		"apps: []\n---\nnetworks: []":        "several documents",
		`{"apps":[]}{"networks":[]}`:         "more than one document",
		`{"apps":[]}}`:                       "more than one document",
		`{"apps":[]} x`:                      "more than one document",
		`{`:                                  "unexpected",
		`{"apps":[{"app_id":1}],"apps":[]}`:  "apps: is there twice",
		`{"apps":[{"app_id":1,"app_id":2}]}`: "apps[0].app_id: is there twice",
		"apps: []\napps: []":                 "already defined",
		"apps: &a []\nnetworks: *a":          "not allowed",
		"apps: [{app_id: 0x1F}]":             "more than one way",
		"apps: [{app_id: 1, schema: {overlap_bit: 010}}]":           "more than one way",
		strings.Repeat(" ", 1<<20) + "apps: []":                     "at most",
		"apps: [{app_id: 1, schema_effective_from: tomorrow noon}]": "tomorrow noon",
	} {
		_, err := apply.Parse([]byte(text))
		require.ErrorContains(t, err, want, "%.100q", text)
	}
}

func TestYAMLKeepsDigits(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a: 10738027756":                       `{"a":10738027756}`,
		"a: 9007199254740993":                  `{"a":9007199254740993}`,
		"a: 123456789012.123456789":            `{"a":123456789012.123456789}`,
		"a: 3.00":                              `{"a":3.00}`,
		"a: -1":                                `{"a":-1}`,
		"a: '007'":                             `{"a":"007"}`,
		"a: 2026-11-01":                        `{"a":"2026-11-01"}`,
		"a: yes":                               `{"a":"yes"}`,
		"a: true\nb: ~\nc:":                    `{"a":true,"b":null,"c":null}`,
		"a: |\n  one\n  two\n":                 `{"a":"one\ntwo\n"}`,
		"- [1, {a: \"<&>\"}]":                  `[[1,{"a":"\u003c\u0026\u003e"}]]`,
		`"https://a.example/?a={b}&c=d": "{}"`: `{"https://a.example/?a={b}\u0026c=d":"{}"}`,
	} {
		got, err := apply.YAMLToJSON([]byte(in))
		require.NoError(t, err, in)
		require.Equal(t, want, string(got), in)
	}
}

// FuzzParse: whatever comes, no panic, and what is taken can be checked and is
// read back the same.
func FuzzParse(f *testing.F) {
	text, err := os.ReadFile("testdata/bundle.yaml")
	require.NoError(f, err)
	f.Add(text)
	f.Add([]byte(`{"apps":[{"app_id":1,"schema":{"windows":[{"index":0}]}}],"forward":{"allow_private_cidrs":["10.0.0.0/8"]}}`))
	f.Add([]byte("apps:\n- app_id: 1\n  k: 30\ndestinations: [{id: d}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := apply.Parse(text)
		if err != nil {
			return
		}
		_ = b.Check(nil) // it must not panic; what it says is for the tables
		_ = b.Trusted()
		if b.Forward != nil {
			_, _ = b.Forward.Prefixes()
		}
	})
}
