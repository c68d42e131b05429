package attack

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/fixtures/apple"
	"skand/fixtures/traffic"
	"skand/internal/apply"
	"skand/schema"
	"skand/skan"
)

// The apps: one large enough for weeks of k 20 and b 5, one by the day with k 10 and
// b 3, and one that never reaches k.
const (
	weeklyApp = 525_463_029
	dailyApp  = 6_446_901_002
	tinyApp   = 1_234_567_890
)

const (
	day  = 24 * time.Hour
	week = 7 * day
)

// begin is a Monday.
var begin = time.Date(2026, 9, 7, 0, 0, 0, 0, time.UTC)

// letter is one body on its way to the receiver.
type letter struct {
	at     time.Time
	source conversion.Source
	relay  string
	body   []byte
	forged bool
	// who is counted when the body is the first of its identity that verifies; nil:
	// nobody. known says from when on its key is.
	who *counted
}

// counted is an identity that counts once it is verified, as Apple's simulated side
// knows it: the truth, for nothing of it comes from a store.
type counted struct {
	id        string
	app       int64
	index     int
	kind      string // install, reengagement, qualifier
	installed time.Time
}

// quarter is the traffic of thirteen weeks (see raced_test.go), the same for every database.
type quarter struct {
	apple    *apple.Apple
	letters  []letter
	lateKeys skan.TrustedKey // becomes known in week 7
	schemas  map[int64]json.RawMessage
}

// The kid that nobody knows at first.
const lateKID = "lab/7"

var theQuarter = sync.OnceValues(func() (*quarter, error) {
	q := &quarter{schemas: map[int64]json.RawMessage{}}
	var err error
	if q.apple, err = apple.FromSeed(20); err != nil {
		return nil, err
	}
	keys, err := traffic.TrustedKeys(q.apple)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		if k.Name == apple.NameP256 {
			q.lateKeys = skan.TrustedKey{Name: "lab-late", KID: lateKID, SPKI: k.SPKI, Environment: k.Environment}
		}
	}
	if err := q.simulate(); err != nil {
		return nil, err
	}
	if err := q.craft(); err != nil {
		return nil, err
	}
	q.mishandle()
	slices.SortStableFunc(q.letters, func(a, b letter) int { return a.at.Compare(b.at) })
	return q, nil
})

// document is a sample schema as an app's own.
func document(file string, app int64) (json.RawMessage, *schema.Document, error) {
	text, err := os.ReadFile("../../fixtures/schemas/" + file)
	if err != nil {
		return nil, nil, err
	}
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil {
		return nil, nil, err
	}
	members["app_id"] = app
	windows, ok := members["windows"].([]any)
	if !ok {
		return nil, nil, fmt.Errorf("%s has no windows", file)
	}
	for i := len(windows); i < 3; i++ {
		windows = append(windows, map[string]any{"index": i})
	}
	members["windows"] = windows
	if text, err = json.Marshal(members); err != nil {
		return nil, nil, err
	}
	a := apply.App{Schema: text}
	d, err := a.Document()
	return text, d, err
}

// simulate plays the phones of two apps: large networks, and small ones.
func (q *quarter) simulate() error {
	for i, s := range []struct {
		app      int64
		file     string
		n        int
		weeks    int
		networks []string
	}{
		{weeklyApp, "puzzle-revenue.json", 77 * weeks, weeks, []string{"large.skadnetwork", "middle.skadnetwork"}},
		{weeklyApp, "puzzle-revenue.json", 23 * weeks, weeks, []string{"small1.skadnetwork", "small2.skadnetwork", "small3.skadnetwork"}},
		{dailyApp, "model-bits.json", 900, 3, []string{"large.skadnetwork", "other.adattributionkit"}},
	} {
		text, doc, err := document(s.file, s.app)
		if err != nil {
			return err
		}
		q.schemas[s.app] = text
		noise := traffic.DefaultNoise()
		noise.Developer, noise.Unsupported, noise.Forged = 0.15, 0, 0.03 // who is verified late is crafted
		sim := traffic.Simulator{
			Seed: uint64(i + 1), AppID: s.app, Networks: s.networks, N: s.n, Schema: doc, Apple: q.apple, Noise: noise,
			Versions: []string{apple.V22, apple.V30, apple.V40, apple.AAK},
			From:     begin, To: begin.Add(time.Duration(s.weeks) * week),
		}
		known := map[string]*counted{}
		_, err = sim.Each(func(one traffic.Sent) error {
			q.take(one, known)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// take notes a body of the simulator that arrives within the quarter.
func (q *quarter) take(one traffic.Sent, known map[string]*counted) {
	if !one.At.Before(begin.Add(weeks * week)) {
		return
	}
	l := letter{at: one.At, body: one.Body, forged: one.Verdict != skan.Valid}
	source, relay, _ := strings.Cut(one.Source, ":")
	l.source, l.relay = conversion.Source(source), strings.ToLower(relay)
	if one.Identity != nil {
		id := string(one.Identity.Hash())
		if one.Truth != nil && one.Verdict == skan.Valid && !one.Truth.Test {
			known[id] = truthOf(id, one.Truth)
		}
		l.who = known[id]
	}
	q.letters = append(q.letters, l)
}

func truthOf(id string, t *traffic.IdentityTruth) *counted {
	kind := "install"
	switch {
	case !t.DidWin:
		kind = "qualifier"
	case t.Conversion == skan.ConversionReengagement:
		kind = "reengagement"
	}
	return &counted{id: id, app: t.Identity.AppID, index: t.Identity.Index, kind: kind, installed: t.InstalledAt}
}

// mishandle lets some copies come a week or two late, whichever window theirs was,
// and sends some once more, weeks after their window was sealed.
func (q *quarter) mishandle() {
	r := rand.New(rand.NewPCG(99, 0))
	end := begin.Add(weeks * week)
	var again []letter
	for i := range q.letters {
		l := &q.letters[i]
		switch r.IntN(40) {
		case 0, 1:
			if late := l.at.Add(8*day + time.Duration(r.IntN(8*24))*time.Hour); late.Before(end) {
				l.at = late
			}
		case 2:
			if more := l.at.Add(20 * day); more.Before(end) {
				repeated := *l
				repeated.at = more
				again = append(again, repeated)
			}
		}
	}
	q.letters = append(q.letters, again...)
}

func TestQuarterHasEverything(t *testing.T) {
	t.Parallel()
	q, err := theQuarter()
	require.NoError(t, err)
	forged, identities, kinds := 0, map[string]bool{}, map[string]int{}
	copies := 0
	for _, l := range q.letters {
		if l.forged {
			forged++
		}
		if l.who == nil {
			continue
		}
		copies++
		if !identities[l.who.id] {
			identities[l.who.id] = true
			kinds[fmt.Sprint(l.who.app, l.who.kind, l.who.index)]++
		}
	}
	t.Logf("%d bodies, %d identities, %d forged, %v", len(q.letters), len(identities), forged, kinds)
	require.Greater(t, forged, 100)
	require.Greater(t, copies, len(identities)+300)
	require.Greater(t, len(kinds), 8)
}
