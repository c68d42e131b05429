package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/fixtures"
	"skand/fixtures/apple"
	"skand/fixtures/traffic"
	"skand/internal/config"
	"skand/internal/store/storetest"
	"skand/schema"
	"skand/skan"
)

const changingDelay = 72 * time.Hour // of the relay

// changingPhones is how many phones report: fewer where everything is ten times slower.
func changingPhones() int {
	if raced {
		return 600
	}
	return 1200
}

// TestSchemaChange publishes two versions while phones report, one by an editor ahead
// of its time and one soon after, and lets every postback arrive at its true time:
// with all of Apple's delays, retries, copies for the developer and late relays. No
// value that is called certain may have been decoded with another version than its
// phone used; what is only certain but for a late retry, only where it was one.
//
//	go test ./cmd/skand -run TestSchemaChange -v
//
// tells the share of what nobody can know.
func TestSchemaChange(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, cfg config.Config) {
		t.Parallel()
		app := startApp(t, cfg)
		w, err := newLabWorld(t.Context(), app, testAdminToken, 11, 0)
		require.NoError(t, err)
		defer func() { require.NoError(t, w.close()) }()
		require.NoError(t, w.call(t.Context(), "/v1/apply", map[string]any{"networks": []map[string]any{
			{"network_id": w.networkIDs()[0], "name": "Network 1", "short_form": "last"},
			{"network_id": "vendor.example", "aliases": []string{"Vendor.Alias"}, "relay_delay": "3d"},
		}}, nil))
		c := &changing{documents: changingDocuments(t), from: []time.Time{
			w.start, w.start.Add(77*time.Hour + 17*time.Minute), w.start.Add(130*time.Hour + 41*time.Minute),
		}}
		mail := c.mail(t, w)
		slices.SortStableFunc(mail, func(a, b letter) int { return a.At.Compare(b.At) })
		truth := deliverChanging(t, w, c, mail)
		judgeChanging(t, cfg, truth)
	})
}

// changingDocuments are three versions that read the same purchases differently and
// lock in every way there is: not at all; by an event, by time; by a fine value, by
// time, by a coarse value.
func changingDocuments(t *testing.T) []*schema.Document {
	t.Helper()
	documents := make([]*schema.Document, 3)
	for i, locks := range [][]schema.Lock{
		nil,
		{{On: schema.LockEvent, Name: "purchase"}, {On: schema.LockTime, Number: 24}, {On: schema.LockTime, Number: 120}},
		{{On: schema.LockFine, Number: 8}, {On: schema.LockTime, Number: 48}, {On: schema.LockCoarse, Name: "high"}},
	} {
		d, err := fixtures.PuzzleSchema()
		require.NoError(t, err)
		documents[i] = d
		for index := range locks {
			d.Windows[index].Lock = &locks[index]
		}
		d.Windows[0].Fine = slices.Delete(d.Windows[0].Fine, 3, 3+i) // a band or two less
	}
	return documents
}

// letter is a body on its way, with what its phone did.
type letter struct {
	traffic.Sent
	used    int // index of the version; -1: the body has no value
	retried bool
	relayed bool
	kind    string
}

// arrivesAt draws one of the times at which the clock stops, between the two.
func arrivesAt(r *rand.Rand, start, from, to time.Time) time.Time {
	var stops []time.Time
	for at := start; at.Before(to.Add(-time.Minute)); at = nextStop(start, at) {
		if !at.Before(from) {
			stops = append(stops, at)
		}
	}
	return stops[r.IntN(len(stops))]
}

// nextStop: every move of the clock runs the jobs, so it takes longer steps as the days
// pass. Each range in which Apple still sends something then has a stop: a day's for
// window 0 and the timer, five days' for the later windows.
func nextStop(start, at time.Time) time.Time {
	const day = 24 * time.Hour
	switch {
	case at.Before(start.Add(20 * day)):
		return at.Add(day / 2)
	case at.Before(start.Add(lastTimer)):
		return at.Add(day - time.Hour)
	default:
		return at.Add(4 * day)
	}
}

const (
	lastLaunch = 16 * 24 * time.Hour // after the start
	lastTimer  = 28 * 24 * time.Hour // phones that report later than this by SKAdNetwork 1 to 3 are left out
)

// mail is everything that the phones cause.
func (c *changing) mail(t *testing.T, w *labWorld) []letter {
	t.Helper()
	var mail []letter
	r := rand.New(rand.NewPCG(w.seed, 0))
	for n := range changingPhones() {
		p := c.phone(r, w.start.Add(hours(r, 1, lastLaunch.Hours())))
		tier, version := r.IntN(4), []string{apple.V22, apple.V30, apple.V40, apple.V40, apple.AAK, apple.AAK}[r.IntN(6)]
		body := apple.Postback{
			Version: version, Network: w.networkIDs()[0], Campaign: 1 + r.IntN(99), Source: fmt.Sprint(1000 + r.IntN(9000)), AppID: demoApp,
			Conversion: "download", Fidelity: 1, DidWin: true,
		}
		last, kind := 2, "window"
		switch {
		case version == apple.AAK:
			body.Marketplace, body.Interaction = "com.apple.AppStore", "click"
			if r.IntN(4) == 0 {
				body.Conversion, kind = "re-engagement", "reengagement"
			}
		case version != apple.V40:
			last, kind = 0, "legacy"
		}
		for index := range last + 1 {
			var x reported
			var err error
			spread := []float64{24, 120, 120}[index]
			if last == 0 {
				x, err = p.timer()
				x.ends = x.ends.Add(-24 * time.Hour) // Apple waits a day from the last rise
			} else {
				x, err = p.window(index)
			}
			require.NoError(t, err)
			if last == 0 && x.ends.After(w.start.Add(lastTimer-48*time.Hour)) {
				continue
			}
			one := body
			one.Index, one.Fine, one.Coarse = index, x.fine, x.coarse
			one.ID = fmt.Sprintf("%08x-0000-4000-8000-%012x", n, index)
			if !withhold(&one, tier) {
				continue
			}
			if one.Fine == nil && one.Coarse == "" {
				x.used = -1
			}
			from := x.ends.Add(24 * time.Hour)
			mail = append(mail, copies(t, r, w, one, from, from.Add(hours(r, spread, spread)), letter{used: x.used, kind: fmt.Sprint(kind, " ", index)})...)
		}
	}
	return mail
}

// copies sends a postback on its ways: Apple's copy to the network, mostly, on time or
// late; with one for the developer; or what a vendor passes on within three days.
func copies(t *testing.T, r *rand.Rand, w *labWorld, p apple.Postback, from, to time.Time, l letter) []letter {
	t.Helper()
	raw, err := w.apple.Body(p)
	require.NoError(t, err)
	framework := skan.SKAdNetwork
	if p.Version == apple.AAK {
		framework = skan.AdAttributionKit
	}
	l.Body, l.Identity = raw, &skan.Identity{AppID: p.AppID, Framework: framework, NetworkID: p.Network, ID: p.ID, Index: p.Index}
	l.At, l.Source, l.Path = arrivesAt(r, w.start, from, to), "network", "/postbacks/"+string(framework)
	developer := l
	switch way := r.IntN(10); {
	case way < 2: // there was no answer; Apple repeats for nine days
		l.At, l.retried = arrivesAt(r, w.start, l.At, l.At.Add(216*time.Hour+2*time.Minute)), true
		return []letter{l}
	case way < 4:
		l.At, l.relayed = arrivesAt(r, w.start, l.At, l.At.Add(changingDelay+2*time.Minute)), true
		l.Source, l.Path = "relay:vendor.example", "/postbacks/relay/"+[]string{"vendor.example", "VENDOR.alias"}[r.IntN(2)]
		if way == 2 {
			return []letter{l}
		}
	case way < 8:
		return []letter{l}
	}
	developer.At, developer.Source = arrivesAt(r, w.start, from, to), "developer"
	developer.Path = "/.well-known/" + map[skan.Framework]string{skan.SKAdNetwork: "skadnetwork", skan.AdAttributionKit: "appattribution"}[framework] + "/report-attribution/"
	return []letter{l, developer}
}

// deliverChanging lets the time pass. It returns the first letter of each identity.
func deliverChanging(t *testing.T, w *labWorld, c *changing, mail []letter) map[string]letter {
	t.Helper()
	truth := map[string]letter{}
	published := 1
	for at := w.start; len(mail) > 0; at = nextStop(w.start, at) {
		require.NoError(t, w.set(t.Context(), at))
		if published < len(c.from) && c.from[published].Before(at.Add(24*time.Hour)) {
			publishChanging(t, w, c.documents[published], c.from[published])
			published++
		}
		poster := traffic.NewPoster(t.Context(), w.public, w.s2s)
		for len(mail) > 0 && !mail[0].At.After(at) {
			l := mail[0]
			mail = mail[1:]
			id := string(l.Identity.Hash())
			l.Status = traffic.Accepted
			if _, again := truth[id]; again {
				l.Status = traffic.Duplicate
			} else {
				truth[id] = l
			}
			require.NoError(t, poster.Send(l.Sent))
		}
		answers, _, err := poster.Close()
		require.NoError(t, err)
		for a, n := range answers {
			require.Truef(t, a.OK(), "%d answers %+v", n, a)
		}
	}
	require.Equal(t, len(c.from), published)
	require.NoError(t, w.set(t.Context(), w.start.Add(75*24*time.Hour)))
	return truth
}

// publishChanging takes a version the way of an editor: a draft, then publishing it.
func publishChanging(t *testing.T, w *labWorld, d *schema.Document, from time.Time) {
	t.Helper()
	text, err := d.Canonical()
	require.NoError(t, err)
	drafts := fmt.Sprintf("%s/v1/apps/%d/schemas/drafts", w.admin, demoApp)
	send := func(url, match string, body []byte, into any) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+w.token)
		if match != "" {
			req.Header.Set("If-Match", match)
		}
		resp, err := postClient.Do(req)
		require.NoError(t, err)
		answer, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, http.StatusCreated, resp.StatusCode, "%s", answer)
		require.NoError(t, json.Unmarshal(answer, into))
	}
	var draft struct {
		ID string `json:"id"`
	}
	send(drafts, "", text, &draft)
	order, err := json.Marshal(map[string]any{"effective_from": from, "why": "test of a change"})
	require.NoError(t, err)
	var done struct {
		EffectiveFrom time.Time           `json:"effective_from"`
		Effects       []conversion.Effect `json:"effects"`
	}
	send(drafts+"/"+draft.ID+":publish", `"1"`, order, &done)
	require.True(t, from.Equal(done.EffectiveFrom))
	require.NotEmpty(t, done.Effects)
}

// judgeChanging compares what each row was decoded with and what its phone used.
func judgeChanging(t *testing.T, cfg config.Config, truth map[string]letter) {
	t.Helper()
	rows, err := storetest.Bounds(t.Context(), cfg.DB, demoApp)
	require.NoError(t, err)
	require.Len(t, rows, len(truth), "nothing is lost and everything is decoded")
	counts, all, sealed := map[string]map[string]int{}, map[string]int{}, 0
	for id, l := range truth {
		row := rows[id]
		if row.Sealed {
			sealed++
		}
		if l.used < 0 {
			continue // a version more or less, there is no value
		}
		right := row.Version == l.used+1
		verdict := fmt.Sprintf("certain %d", row.Version)
		switch {
		case slices.Contains(row.Flags, conversion.FlagAmbiguous):
			verdict = conversion.FlagAmbiguous
		case slices.Contains(row.Flags, conversion.FlagRetryPossible):
			verdict = conversion.FlagRetryPossible
			require.Truef(t, right || l.retried, "%s at %s is %+v and used version %d", l.kind, l.At, row, l.used+1)
		default:
			require.Truef(t, right, "%s at %s is %+v and used version %d", l.kind, l.At, row, l.used+1)
		}
		if counts[l.kind] == nil {
			counts[l.kind] = map[string]int{}
		}
		for _, of := range []map[string]int{counts[l.kind], all} {
			of["all"]++
			of[verdict]++
			if !right {
				of[verdict+", wrong"]++
			}
		}
		if l.relayed {
			all["relayed"]++
		}
	}
	for _, seen := range []string{"certain 1", "certain 3", conversion.FlagRetryPossible, conversion.FlagAmbiguous, "ambiguous, wrong", "relayed"} {
		require.Greater(t, all[seen], 10, "%s: %v", seen, all)
	}
	require.Positive(t, sealed)
	share := func(of map[string]int, what string) string {
		return fmt.Sprintf("%.1f %%", 100*float64(of[what])/float64(of["all"]))
	}
	t.Logf("%d values of %d phones: certain and wrong 0, ambiguous %s (wrong %s of all), new unless a late retry %s (wrong, all retries: %s)",
		all["all"], changingPhones(), share(all, "ambiguous"), share(all, "ambiguous, wrong"), share(all, "retry_possible"), share(all, "retry_possible, wrong"))
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		t.Logf("%-16s ambiguous %s of %d", kind, share(counts[kind], "ambiguous"), counts[kind]["all"])
	}
}
