package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/stretchr/testify/require"

	"skand/fixtures/network"
)

// send reports the items of a step, some one by one, some in arrays of a kind, and
// holds every answer against the reference's.
func (r *dayRun) send(items []dayItem) {
	for len(items) > 0 {
		path, most := items[0].path(), 1
		if items[0].path() != "/click" && r.w.chance(0.7) {
			most = 1 + r.w.rng.IntN([]int{5, 100, 1000}[r.w.rng.IntN(3)])
		}
		var batch, rest []dayItem
		for _, i := range items {
			if i.path() == path && len(batch) < most {
				batch = append(batch, i)
			} else {
				rest = append(rest, i)
			}
		}
		items = rest
		if path == "/click" {
			want := map[string]string{"accepted": "stored", "duplicate": "duplicate"}[r.ref.take(batch[0])]
			got := r.follow(batch[0].click)
			for range 20 { // a machine that is too slow loses clicks rather than people
				if got != "lost" {
					break
				}
				if got = r.follow(batch[0].click); got == "duplicate" {
					got = want
				}
			}
			require.Equal(r.t, want, got)
			r.answers["followed: "+got]++
			continue
		}
		for n, a := range r.post(path, batch, most > 1) {
			want := r.ref.take(batch[n])
			got := a.Status
			if got == "rejected" {
				got = a.Code
			}
			require.Equal(r.t, want, got, "%s %+v: %+v", path, batch[n].body(), a)
			r.answers[got]++
			if e := batch[n].event; e != nil && e.ID == "" && got == "accepted" {
				r.made[a.ID] = r.ref.events[len(r.ref.events)-1].id
			}
		}
	}
}

type dayAnswer struct{ ID, Status, Code string }

// post sends one object, or an array.
func (r *dayRun) post(path string, items []dayItem, array bool) []dayAnswer {
	bodies := make([]any, len(items))
	for n, i := range items {
		bodies[n] = i.body()
	}
	var what any = bodies
	if !array {
		what = bodies[0]
	}
	raw, err := json.Marshal(what)
	require.NoError(r.t, err)
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.to.server+path, bytes.NewReader(raw))
	require.NoError(r.t, err)
	req.Header.Set("Authorization", "Bearer "+r.to.token)
	resp, err := postClient.Do(req)
	require.NoError(r.t, err)
	defer func() { require.NoError(r.t, resp.Body.Close()) }()
	said, err := io.ReadAll(resp.Body)
	require.NoError(r.t, err)
	if !array {
		var one dayAnswer
		require.NoError(r.t, json.Unmarshal(said, &one), "%s", said)
		require.Equal(r.t, map[bool]int{true: 400, false: 200}[one.Status == "rejected"], resp.StatusCode, "%s", said)
		return []dayAnswer{one}
	}
	require.Equal(r.t, http.StatusOK, resp.StatusCode, "%s", said)
	var many struct{ Results []dayAnswer }
	require.NoError(r.t, json.Unmarshal(said, &many), "%s", said)
	require.Len(r.t, many.Results, len(items))
	return many.Results
}

// follow opens a tracking link as a phone does, up to the store's page, and returns
// what became of the click.
func (r *dayRun) follow(c *dayClick) string {
	q := url.Values{"click_id": {c.ID}, "campaign_id": {c.Campaign}}
	if c.Interaction != "" {
		q.Set("interaction", c.Interaction)
	}
	if c.IDFA != "" {
		q.Set("idfa", c.IDFA)
	}
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet,
		fmt.Sprintf("%s/click/%s/%d?%s", r.to.server, c.Network, c.App, q.Encode()), nil)
	require.NoError(r.t, err)
	req.Header.Set("User-Agent", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1")
	phone := *postClient
	phone.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := phone.Do(req)
	require.NoError(r.t, err)
	require.NoError(r.t, resp.Body.Close())
	result := resp.Header.Get("Skand-Click")
	if c.Interaction == "view" {
		require.Equal(r.t, http.StatusNoContent, resp.StatusCode)
		return result
	}
	require.Equal(r.t, http.StatusFound, resp.StatusCode)
	require.Contains(r.t, resp.Header.Get("Location"), "apps.apple.com/app/id"+strconv.FormatInt(c.App, 10))
	require.Empty(r.t, identifier.FindString(resp.Header.Get("Location")))
	return result
}

// deliver sends what is due, and looks at what arrived.
func (r *dayRun) deliver() {
	_, err := r.app.deliverer.DeliverDue(r.t.Context())
	require.NoError(r.t, err)
	for name, s := range r.sinks {
		hits := s.Received()
		for _, h := range hits[r.looked[name]:] {
			r.checkHit(name, h)
		}
		r.looked[name] = len(hits)
	}
	r.checkHeard(false)
}

var identifier = regexp.MustCompile(`[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|198\.18\.\d+\.\d+`)

// identifiersIn finds every identifier of a device in all that a request said.
func (r *dayRun) identifiersIn(h network.Hit) []string {
	var text strings.Builder
	fmt.Fprint(&text, h.Path, " ", h.Header, " ", string(h.Body))
	for name, values := range h.Query {
		fmt.Fprint(&text, " ", name, " ", values)
	}
	var found []string
	for _, id := range identifier.FindAllString(text.String(), -1) {
		if r.owners[strings.ToLower(id)] != nil {
			found = append(found, strings.ToLower(id))
		}
	}
	return found
}

// checkHit holds one request against what the person allows at that moment.
func (r *dayRun) checkHit(sink string, h network.Hit) {
	what, id := "event ", h.Query.Get("i")
	if h.Query.Get("e") == "install" {
		what = "install "
	} else if made, ok := r.made[id]; ok {
		id = made
	}
	key := sink + " " + what + id
	require.True(r.t, r.ref.known[key], "%s was nothing for %s", what+id, sink)
	in := r.ref.installOf(what, id)
	require.False(r.t, in.limited, "%s is nobody's business any more", key)
	found := r.identifiersIn(h)
	require.False(r.t, in.bare && len(found) > 0, "%s names a device though that is not allowed: %v", key, found)
	for _, one := range found {
		require.Same(r.t, r.owners[in.idfv], r.owners[one], "%s names the device of another", key)
	}
	require.Equal(r.t, strconv.FormatBool(in.test), h.Query.Get("test"), key)
	if sink != "books" {
		require.Equal(r.t, in.is.Click, h.Query.Get("click"), key)
	}
	if len(found) > 0 {
		r.named++
	}
	if h.Status == http.StatusOK {
		r.heard[key]++
		require.Equal(r.t, 1, r.heard[key], "%s heard twice of %s", sink, what+id)
	}
}

// checkHeard: whoever answers hears of everything at once, the failing one in the end.
func (r *dayRun) checkHeard(all bool) {
	for key := range r.ref.due {
		if all || !strings.HasPrefix(key, failing) {
			require.Equal(r.t, 1, r.heard[key], "%s", key)
		}
	}
}

// checkNobodyElse: of devices whose people never allowed it nothing arrived anywhere,
// over the whole day.
func (r *dayRun) checkNobodyElse() {
	allowed := map[*dayDevice]bool{}
	for _, in := range r.ref.installs {
		if !in.neverAllowed {
			allowed[r.owners[in.idfv]] = true
		}
	}
	for name, s := range r.sinks {
		for _, h := range s.Received() {
			for _, one := range r.identifiersIn(h) {
				require.True(r.t, allowed[r.owners[one]], "%s heard of %s", name, one)
			}
		}
	}
}
