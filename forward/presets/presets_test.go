package presets

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/forward"
)

var at = time.Date(2026, 11, 3, 9, 15, 0, 0, time.UTC)

// expected are the receivers that must be here.
var expected = []string{"applovin", "generic", "google-app-conversion", "liftoff", "meta-app-events", "moloco", "snap-conversions", "tiktok-app-events", "unity-events", "unity-installs"}

func TestPresetsSayWhatIsKnown(t *testing.T) {
	t.Parallel()
	var names []string
	for _, p := range All() {
		names = append(names, p.Name)
		require.NotEmpty(t, p.Title)
		require.Contains(t, []string{"all", "part", "none"}, p.Public, p.Name)
		require.NotEmpty(t, p.Unconfirmed, p.Name)
		require.True(t, len(p.Sources) > 0 || p.Public == "none", p.Name)
		for _, s := range p.Sources {
			u, err := url.Parse(s.URL)
			require.NoError(t, err)
			require.Equal(t, "https", u.Scheme)
			require.NotEmpty(t, s.Says)
		}
		raw, err := json.Marshal(p.Destination)
		require.NoError(t, err)
		used := map[string]bool{"id": true, "app_id": true, "network_id": true}
		for _, m := range place.FindAllStringSubmatch(strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(string(raw)), -1) {
			used[m[1]] = true
		}
		for _, v := range p.Vars {
			require.True(t, used[v.Name], "%s: %s is filled nowhere", p.Name, v.Name)
			delete(used, v.Name)
			require.NotEmpty(t, v.Means)
		}
		require.Empty(t, used, "%s: these places are not told of", p.Name)
		if p.Public == "none" {
			require.Contains(t, p.Destination["url"], "https://<host>/", "%s: no address is public, so the host is to be filled", p.Name)
		}
	}
	require.Equal(t, expected, names)
}

// TestPresetsAgainstGolden: each validates, and renders samples of all its kinds.
// With SKAND_WRITE_GOLDEN=1 the files are written anew.
func TestPresetsAgainstGolden(t *testing.T) {
	t.Parallel()
	for _, p := range All() {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			d, err := p.Fill(p.Examples())
			require.NoError(t, err)
			require.NoError(t, d.Validate(nil))
			require.Empty(t, d.Warnings())
			program, err := forward.Compile(d)
			require.NoError(t, err)
			var b strings.Builder
			for _, kind := range d.Kinds {
				for _, consent := range []string{"authorized", "denied"} {
					fmt.Fprintf(&b, "# %s, %s\n", kind, consent)
					r, err := program.Render(forward.Sample(d, kind, consent, at))
					if err != nil {
						require.ErrorIs(t, err, forward.ErrTemplate)
						require.Equal(t, "denied", consent, "%v", err)
						fmt.Fprintf(&b, "not sent: %v\n\n", err)
						continue
					}
					fmt.Fprintf(&b, "%s %s\n", r.Method, r.URL)
					for _, name := range slices.Sorted(keys(r.Header)) {
						fmt.Fprintf(&b, "%s: %s\n", name, r.Header.Get(name))
					}
					fmt.Fprintf(&b, "%s\n\n", r.Body)
				}
			}
			file := filepath.Join("testdata", p.Name+".txt")
			if os.Getenv("SKAND_WRITE_GOLDEN") != "" {
				require.NoError(t, os.WriteFile(file, []byte(b.String()), 0o644))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, string(want), b.String())
		})
	}
}

func keys(h http.Header) func(func(string) bool) {
	return func(yield func(string) bool) {
		for name := range h {
			if !yield(name) {
				return
			}
		}
	}
}

// TestPresetsAreReceived: a real HTTP server reads what each sends, and finds the
// click or the identifier, the event and the amount in it.
func TestPresetsAreReceived(t *testing.T) {
	t.Parallel()
	type request struct {
		method, path string
		query        url.Values
		body         string
	}
	for _, p := range All() {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			got := make(chan request, 1)
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					http.Error(w, err.Error(), http.StatusInternalServerError)
					return
				}
				got <- request{r.Method, r.URL.Path, r.URL.Query(), string(body)}
			}))
			t.Cleanup(srv.Close)
			d, err := p.Fill(p.Examples())
			require.NoError(t, err)
			program, err := forward.Compile(d)
			require.NoError(t, err)
			kind := d.Kinds[len(d.Kinds)-1]
			dv := forward.Sample(d, kind, "authorized", at)
			r, err := program.Render(dv)
			require.NoError(t, err)
			u, err := url.Parse(r.URL)
			require.NoError(t, err)
			req, err := http.NewRequestWithContext(t.Context(), r.Method, srv.URL+u.RequestURI(), strings.NewReader(string(r.Body)))
			require.NoError(t, err)
			req.Header = r.Header.Clone()
			resp, err := srv.Client().Do(req)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.Equal(t, http.StatusOK, resp.StatusCode)
			in := <-got
			require.Equal(t, d.Method, in.method)
			require.Equal(t, u.Path, in.path)
			said := in.body
			if in.body == "" {
				require.NotEmpty(t, in.query)
				for _, v := range in.query {
					said += " " + strings.Join(v, " ")
				}
			} else {
				require.True(t, json.Valid([]byte(in.body)))
			}
			require.True(t, strings.Contains(said, dv.Fields["idfa"]) || strings.Contains(said, dv.Fields["click_id"]))
			if kind == forward.KindEvent {
				require.Contains(t, said, dv.EventName)
				require.Contains(t, said, dv.Fields["revenue"])
				require.Contains(t, said, dv.Fields["currency"])
			}
		})
	}
}

func TestFillRefuses(t *testing.T) {
	t.Parallel()
	p, err := Named("meta-app-events")
	require.NoError(t, err)
	for name, c := range map[string]struct {
		change map[string]string
		want   string
	}{
		"missing":       {map[string]string{"dataset_id": ""}, "dataset_id is missing: the dataset"},
		"unknown":       {map[string]string{"dataset": "1"}, `no place "dataset" to fill; it has id, app_id, network_id, api_version, dataset_id`},
		"not plain":     {map[string]string{"dataset_id": `1/x?"`}, "letters, digits"},
		"no app":        {map[string]string{"app_id": "x1"}, "is not the App Store id"},
		"a macro in it": {map[string]string{"dataset_id": "{idfa}"}, "letters, digits"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			values := p.Examples()
			for k, v := range c.change {
				values[k] = v
			}
			_, err := p.Fill(values)
			require.ErrorContains(t, err, c.want)
		})
	}
	values := p.Examples()
	values["network_id"] = ""
	d, err := p.Fill(values)
	require.NoError(t, err)
	require.Empty(t, d.NetworkID, "scope all needs none")
	_, err = Named("met-app-events")
	require.ErrorContains(t, err, "the nearest is meta-app-events")
}
