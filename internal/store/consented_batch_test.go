package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/internal/apply"
	"skand/internal/clock"
)

// randomDay is a random day of reports with few devices, clicks and installs, so that they
// meet; some are sent twice.
func randomDay(r *rand.Rand, n int) (items []any) {
	device := func() string {
		return []string{"", "", "00000000-0000-0000-0000-000000000000", deviceA, deviceB, "c0000000-1111-4222-8333-444444444444"}[r.IntN(6)]
	}
	att := func() string { return []string{"authorized", "authorized", "denied", "", "not_determined"}[r.IntN(5)] }
	for range n {
		at, app := r.IntN(240)-240, int64(testApp+r.IntN(2))
		switch r.IntN(8) {
		case 0, 1, 2:
			items = append(items, &conversion.Click{
				ID: fmt.Sprint("k", r.IntN(n/3)), AppID: app, NetworkID: []string{testNetwork, "b.net"}[r.IntN(2)], Time: hour(at),
				IDFA: device(), Interaction: []string{"", "click", "view"}[r.IntN(3)],
			})
		case 3, 4:
			in := &conversion.Install{
				ID: fmt.Sprint("i", r.IntN(n/3)), AppID: app, Time: hour(at), IDFA: device(), IDFV: device(), ATTStatus: att(),
				Reinstall: r.IntN(9) == 0, Limited: r.IntN(9) == 0, GDPRApplies: r.IntN(5) == 0,
			}
			if r.IntN(2) == 0 {
				in.ClickID = fmt.Sprint("k", r.IntN(n/3))
			}
			items = append(items, in)
		case 5, 6:
			e := &conversion.Event{ID: fmt.Sprint("e", r.IntN(n)), AppID: app, InstallID: fmt.Sprint("i", r.IntN(n/3)), Name: "open", Time: hour(at)}
			if r.IntN(3) == 0 {
				e.ID = ""
			}
			items = append(items, e)
		default:
			items = append(items, &conversion.ConsentReport{
				AppID: app, InstallID: fmt.Sprint("i", r.IntN(n/3)), Time: hour(at), ATTStatus: att(), Limited: []*bool{nil, ptr(true), ptr(false)}[r.IntN(3)],
			})
		}
	}
	return items
}

// inBatches keeps the items in their order, all neighbours of one kind in one call, or
// each in its own.
func (c consented) inBatches(items []any, most int) (taken []string) {
	c.t.Helper()
	note := func(all []conversion.Taken, err error) {
		require.NoError(c.t, err)
		for _, one := range all {
			require.Nil(c.t, one.Rejected)
			taken = append(taken, fmt.Sprint(one.Accepted, one.Warnings))
		}
	}
	for len(items) > 0 {
		n := 1
		for n < len(items) && n < most && fmt.Sprintf("%T", items[n]) == fmt.Sprintf("%T", items[0]) {
			n++
		}
		ctx := c.t.Context()
		switch items[0].(type) {
		case *conversion.Click:
			note(c.Clicks(ctx, each[conversion.Click](items[:n])))
		case *conversion.Install:
			note(c.Installs(ctx, each[conversion.Install](items[:n])))
		case *conversion.Event:
			note(c.Events(ctx, each[conversion.Event](items[:n])))
		default:
			note(c.Consents(ctx, each[conversion.ConsentReport](items[:n])))
		}
		items = items[n:]
	}
	return taken
}

// each copies items of one type, so that a second run does not see a first one's.
func each[T any](items []any) []*T {
	out := make([]*T, len(items))
	for i, item := range items {
		v, ok := item.(*T)
		if !ok {
			panic(fmt.Sprintf("%T among others", item))
		}
		one := *v
		out[i] = &one
	}
	return out
}

// tables is everything that the consented side holds, opened, so that two stores with
// keys of their own can be compared.
func (c consented) tables() []string {
	c.t.Helper()
	lines := []string{}
	names := map[string]string{} // hashes by what they are of
	for i := range 60 {          // also of what never came
		for kind, letter := range map[string]string{"click": "k", "install": "i"} {
			id := fmt.Sprint(letter, i)
			names[c.hash(kind, id)] = kind + " " + id
		}
	}
	for _, kind := range []string{"click", "install", "event"} {
		for _, row := range c.dump(`SELECT app_id, id, body FROM ` + kind) {
			cells := strings.Split(row, "|")
			var body struct {
				ID string `json:"id"`
			}
			require.NoError(c.t, c.s.openJSON(kind, cells[2], &body))
			names[cells[1]] = kind + " " + body.ID
			if kind == "event" && len(body.ID) == 24 {
				names[cells[1]] = "event made"
			}
		}
	}
	name := func(text string) string {
		for hash, of := range names {
			text = strings.ReplaceAll(text, hash, of)
		}
		return text
	}
	for _, q := range []string{
		`SELECT 'click', app_id, id, network_id, clicked_at, interaction, CASE WHEN idfa_hash IS NULL THEN 0 ELSE 1 END, COALESCE(used_by, '') FROM click`,
		`SELECT 'install', app_id, id, installed_at, click_id, CASE WHEN idfa_hash IS NULL THEN 0 ELSE 1 END, network_id, campaign_id, decision, reason,
			method, interaction, flags, att_status, limited, gdpr, consent_at FROM install`,
		`SELECT 'event', app_id, install_id, name, happened_at, flags FROM event`,
		`SELECT 'consent', app_id, at, att_status, limited, gdpr FROM consent_change`,
		`SELECT 'outbox', app_id, destination_id, dedup_key, kind, event_name, state, reason FROM outbox`,
	} {
		for _, row := range c.dump(q) {
			lines = append(lines, name(row))
		}
	}
	for _, row := range c.dump(`SELECT app_id, detail FROM install`) {
		app, sealed, _ := strings.Cut(row, "|")
		var d conversion.Decision
		require.NoError(c.t, c.s.openJSON(kindDecision, sealed, &d))
		lines = append(lines, fmt.Sprintf("detail %s %+v", app, d))
	}
	slices.Sort(lines)
	return lines
}

// TestBatchesEqualSingles: random days in random orders leave the same behind, and are
// answered the same, whether items come alone or together.
func TestBatchesEqualSingles(t *testing.T) {
	t.Parallel()
	open := map[string]func(*testing.T) (string, string){
		"sqlite":   func(t *testing.T) (string, string) { dir := migratedSQLite(t); return dir, dir },
		"postgres": func(t *testing.T) (string, string) { return migratedPostgres(t) },
	}
	for name, locate := range open {
		for seed := range uint64(3) {
			t.Run(fmt.Sprint(name, seed), func(t *testing.T) {
				t.Parallel()
				items := randomDay(rand.New(rand.NewPCG(6, seed)), 120)
				if seed > 0 { // neighbours of one kind, as arrays are
					sign := 1 - 2*int(seed%2)
					slices.SortStableFunc(items, func(a, b any) int { return sign * strings.Compare(fmt.Sprintf("%T", a), fmt.Sprintf("%T", b)) })
				}
				var want, answers []string
				for i, most := range []int{1, 1000, 7} {
					main, published := locate(t)
					runOn(t, main, published, func(t *testing.T, s *Store, now *clock.Movable) {
						c := consented{newInbox(t, s, now), conversion.Intake{Store: s}}
						c.destinations()
						c.describe(apply.AppConsented{}, apply.NetworkConsented{ViewWindow: "100h"})
						got := c.inBatches(items, most)
						if i == 0 {
							want, answers = c.tables(), got
							require.NotEmpty(t, c.dump(`SELECT 1 FROM install WHERE method = 'click_id'`))
							require.NotEmpty(t, c.dump(`SELECT 1 FROM install WHERE method = 'idfa'`))
							return
						}
						require.Equal(t, answers, got)
						require.Equal(t, want, c.tables())
					})
				}
			})
		}
	}
}

// poisoned fails for one event, as a store does that can't take it.
type poisoned struct {
	conversion.ConsentedStore
	chunks *int
}

type poison struct{ conversion.Ledger }

func (p poison) AddEvent(ctx context.Context, e *conversion.KeptEvent) (bool, error) {
	if e.ID == "bad" {
		return false, errors.New("value too long for type")
	}
	return p.Ledger.AddEvent(ctx, e)
}

func (p poisoned) InLedger(ctx context.Context, apps []int64, alone bool, f func(conversion.Ledger) error) error {
	*p.chunks++
	return p.ConsentedStore.InLedger(ctx, apps, alone, func(l conversion.Ledger) error { return f(poison{l}) })
}

// TestOneBadItemSpoilsNoOther: what the store can't take is answered as not stored, and
// all others are kept.
func TestOneBadItemSpoilsNoOther(t *testing.T) {
	eachConsented(t, func(t *testing.T, c consented) {
		var chunks int
		k := conversion.Intake{Store: poisoned{c.s, &chunks}}
		var events []*conversion.Event
		for i := range 450 {
			events = append(events, happened(fmt.Sprint("e", i), "i", 0))
		}
		events[210].ID = "bad"
		_, err := k.Events(t.Context(), events)
		require.ErrorContains(t, err, "value too long")
		require.Equal(t, []string{"449"}, c.dump(`SELECT COUNT(*) FROM event`))
		require.Equal(t, 1+1+200+1, chunks)
	})
}

// TestMixedAtOnce: batches of all kinds from many sides neither lose anything nor wait
// for each other in a circle.
func TestMixedAtOnce(t *testing.T) {
	eachConsented(t, func(t *testing.T, c consented) {
		errs := make(chan error, 40)
		for w := range 10 {
			r := rand.New(rand.NewPCG(7, uint64(w)))
			go func() { errs <- c.everything(randomDay(r, 60)) }()
		}
		deadline := time.NewTimer(time.Minute)
		defer deadline.Stop()
		for range 10 {
			select {
			case err := <-errs:
				require.NoError(t, err)
			case <-deadline.C:
				t.Fatal("they wait for each other")
			}
		}
		require.Empty(t, c.dump(`SELECT used_by FROM click WHERE used_by IS NOT NULL GROUP BY app_id, used_by HAVING COUNT(*) > 1`))
		require.Equal(t, c.dump(`SELECT COUNT(*) FROM install WHERE decision = 'attributed'`), c.dump(`SELECT COUNT(*) FROM click WHERE used_by IS NOT NULL`))
		require.Empty(t, c.dump(`SELECT 1 FROM install i JOIN click k ON k.app_id = i.app_id AND k.id = i.click_id
			WHERE i.reason = 'click_unknown'`), "nobody missed the click that it named")
	})
}

func (c consented) everything(items []any) error {
	ctx := c.t.Context()
	var clicks, installs, events, reports []any
	for _, item := range items {
		switch item.(type) {
		case *conversion.Click:
			clicks = append(clicks, item)
		case *conversion.Install:
			installs = append(installs, item)
		case *conversion.Event:
			events = append(events, item)
		default:
			reports = append(reports, item)
		}
	}
	_, err := c.Installs(ctx, each[conversion.Install](installs))
	_, err2 := c.Clicks(ctx, each[conversion.Click](clicks))
	_, err3 := c.Events(ctx, each[conversion.Event](events))
	_, err4 := c.Consents(ctx, each[conversion.ConsentReport](reports))
	return errors.Join(err, err2, err3, err4)
}
