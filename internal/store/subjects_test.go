package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/forward"
	"skand/internal/clock"
	"skand/internal/vault"
)

const otherApp = 2

// people is a store with a destination for everything, and a hand to tell it of people.
type people struct {
	t   *testing.T
	s   *Store
	now *clock.Movable
	k   conversion.Intake
}

func eachPeople(t *testing.T, test func(t *testing.T, p people)) {
	t.Helper()
	eachStore(t, func(t *testing.T, s *Store, now *clock.Movable) {
		for _, app := range []int64{1, otherApp} {
			d := forward.Destination{ID: fmt.Sprint("d", app), AppID: app, Scope: forward.ScopeAll, Enabled: true, URL: "https://h.example/?i={idfa}",
				Kinds: []string{forward.KindInstall, forward.KindEvent}}.WithDefaults()
			_, err := s.SaveDestination(t.Context(), d, start)
			require.NoError(t, err)
		}
		test(t, people{t, s, now, conversion.Intake{Store: s}})
	})
}

// device ids of a person.
func idfaOf(who string) string { return fmt.Sprintf("6D92078A-0000-4BA4-AE5B-%012X", who) }
func idfvOf(who string) string { return fmt.Sprintf("6D92078B-0000-4BA4-AE5B-%012X", who) }

func (p people) click(who string, when time.Time) (bool, error) {
	return p.k.Click(p.t.Context(), &conversion.Click{ID: "click-" + who, AppID: 1, NetworkID: "n", Time: when, IDFA: idfaOf(who)})
}

func (p people) install(app int64, who, id string, when time.Time) (bool, error) {
	return p.k.Install(p.t.Context(), &conversion.Install{ID: id, AppID: app, Time: when, ClickID: "click-" + who, IDFA: idfaOf(who), IDFV: idfvOf(who),
		ATTStatus: conversion.ATTAuthorized})
}

func (p people) event(app int64, install, id string, when time.Time) (bool, error) {
	return p.k.Event(p.t.Context(), &conversion.Event{ID: id, AppID: app, InstallID: install, Name: "purchase", Time: when})
}

// live tells of a person's click, install, two events and consent; one delivery of
// the three has been tried.
func (p people) live(who string) {
	p.t.Helper()
	at := func(h int) time.Time { return start.Add(time.Duration(h-10) * time.Hour) }
	for _, step := range []func() (bool, error){
		func() (bool, error) { return p.click(who, at(0)) },
		func() (bool, error) { return p.install(1, who, "install-"+who, at(1)) },
		func() (bool, error) { return p.event(1, "install-"+who, "e1-"+who, at(2)) },
		func() (bool, error) { return p.event(1, "install-"+who, "e2-"+who, at(3)) },
	} {
		ok, err := step()
		require.NoError(p.t, err)
		require.True(p.t, ok)
	}
	got, err := p.s.Claim(p.t.Context(), "d1", 9, p.now.Now(), time.Hour)
	require.NoError(p.t, err)
	own := slices.IndexFunc(got, func(d forward.Delivery) bool { return d.Fields["idfa"] == idfaOf(who) })
	require.NotEqual(p.t, -1, own)
	require.NoError(p.t, p.settle(got[own]))
	require.NoError(p.t, p.s.Release(p.t.Context(), slices.Delete(got, own, own+1), p.now.Now()))
}

func (p people) settle(d forward.Delivery) error {
	return settleOnce(p.t.Context(), p.s, forward.Settlement{
		Attempt: forward.Attempt{DeliveryID: d.ID, AppID: 1, Attempt: d.Attempts, At: p.now.Now(), Class: forward.ClassRefused, Status: 400,
			Reason: "why", Answer: "no " + d.Fields["idfa"], TemplateVersion: 1},
		DestinationID: "d1", Fence: d.Fence, State: forward.StateRefused,
	})
}

func (p people) erase(kind, value string, app int64) Erasure {
	p.t.Helper()
	e, err := p.s.EraseSubject(p.t.Context(), Subject{Kind: kind, Value: value, AppID: app})
	require.NoError(p.t, err)
	return e
}

// rows counts what is there of people, table by table.
func (p people) rows() map[string]int {
	p.t.Helper()
	n := map[string]int{}
	for _, table := range append([]string{"delivery_attempt"}, peopleTables...) {
		var one int
		require.NoError(p.t, p.s.main.r.GetContext(p.t.Context(), &one, `SELECT COUNT(*) FROM `+table))
		n[table] = one
	}
	return n
}

func requireErased(t *testing.T, ok bool, err error) {
	t.Helper()
	var rej *conversion.Rejection
	require.ErrorAs(t, err, &rej)
	require.Equal(t, "erased", rej.Code)
	require.False(t, ok)
}

func TestEraseSubject(t *testing.T) {
	for _, by := range []struct{ kind, value string }{
		{vault.IDFA, idfaOf("a")}, {vault.IDFV, idfvOf("a")}, {vault.Install, "install-a"},
	} {
		t.Run(by.kind, func(t *testing.T) {
			eachPeople(t, func(t *testing.T, p people) {
				p.live("b")
				alone := p.rows()
				p.live("a")
				both := p.rows()
				e := p.erase(by.kind, by.value, 0)
				require.Equal(t, alone, p.rows(), "all of one, nothing of the other")
				require.Equal(t, map[string]int{
					"install": e.Installs, "event": e.Events, "click": e.Clicks, "consent_change": e.Consents, "outbox": e.Deliveries, "delivery_attempt": e.Attempts,
				}, map[string]int{
					"install": 1, "event": 2, "click": 1, "consent_change": both["consent_change"] - alone["consent_change"], "outbox": 3, "delivery_attempt": 1,
				})

				// What was is refused when it is told again, and late events for ever.
				ok, err := p.click("a", start.Add(-10*time.Hour))
				requireErased(t, ok, err)
				ok, err = p.install(1, "a", "install-a", start.Add(-9*time.Hour))
				requireErased(t, ok, err)
				ok, err = p.event(1, "install-a", "e3-a", start.Add(time.Hour))
				requireErased(t, ok, err)
				require.Equal(t, alone, p.rows())
				ok, err = p.event(1, "install-b", "e3-b", start.Add(time.Hour))
				require.NoError(t, err)
				require.True(t, ok)

				// Who installs anew afterwards, and allows it, is taken in.
				p.now.Advance(time.Hour)
				ok, err = p.install(1, "a", "install-a2", p.now.Now())
				require.NoError(t, err)
				require.True(t, ok)
				require.Zero(t, p.erase(by.kind, "nobody-else", 0).Installs)
			})
		})
	}
}

// The kept evidence holds hashes and counts alone.
func TestErasureIsToldByHash(t *testing.T) {
	eachPeople(t, func(t *testing.T, p people) {
		p.live("a")
		ctx := ActingAs(t.Context(), Actor{Who: "dpo", Role: "operator"})
		e, err := p.s.EraseSubject(ctx, Subject{Kind: vault.IDFA, Value: idfaOf("a")})
		require.NoError(t, err)
		require.Equal(t, p.s.vault.Hash(vault.IDFA, idfaOf("a")), e.Subject)
		var rows []struct {
			ID, By, Kind, Subject, Counts string
			AppID                         int64 `db:"app_id"`
			At                            int64
		}
		require.NoError(t, p.s.main.r.SelectContext(t.Context(), &rows, `SELECT * FROM erasure ORDER BY id`))
		require.Len(t, rows, 3, "the subject, its install and its click")
		require.Equal(t, e.ID, rows[0].ID)
		require.Equal(t, "dpo", rows[0].By)
		require.Equal(t, ms(start), rows[0].At)
		var kept Erasure
		require.NoError(t, json.Unmarshal([]byte(rows[0].Counts), &kept))
		require.Equal(t, e, kept)
		entries, _, err := p.s.AuditLog(t.Context(), AuditFilter{Action: ActSubjectErase}, "", 5)
		require.NoError(t, err)
		require.Len(t, entries, 1)
		require.Equal(t, "dpo", entries[0].Who)
		text, err := json.Marshal([]any{rows, entries})
		require.NoError(t, err)
		require.NotContains(t, string(text), "6D92078A")
		require.NotContains(t, string(text), "install-a")
	})
}

func TestEraseInOneApp(t *testing.T) {
	eachPeople(t, func(t *testing.T, p people) {
		for _, app := range []int64{1, otherApp} {
			ok, err := p.install(app, "a", fmt.Sprint("install-", app), start.Add(-time.Hour))
			require.NoError(t, err)
			require.True(t, ok)
		}
		e := p.erase(vault.IDFA, idfaOf("a"), otherApp)
		require.Equal(t, 1, e.Installs)
		require.Equal(t, 1, p.rows()["install"])
		ok, err := p.install(otherApp, "a", "late", start.Add(-time.Hour))
		requireErased(t, ok, err)
		ok, err = p.install(1, "a", "late", start.Add(-30*time.Minute))
		require.NoError(t, err)
		require.True(t, ok)
		e = p.erase(vault.Install, "late", 0)
		require.Equal(t, 1, e.Installs)
		require.Equal(t, 1, e.Related, "the other install of the device is told of, and stays")
		require.Equal(t, 1, p.rows()["install"])
		require.Equal(t, 1, p.erase(vault.IDFV, idfvOf("a"), 0).Installs)
		require.Zero(t, p.rows()["install"])
	})
}

// Events that wait for an install that nobody has reported are the person's, too.
func TestEraseWhatWaits(t *testing.T) {
	eachPeople(t, func(t *testing.T, p people) {
		ok, err := p.event(otherApp, "unseen", "e1", start)
		require.NoError(t, err)
		require.True(t, ok)
		e := p.erase(vault.Install, "unseen", 0)
		require.Equal(t, 1, e.Events)
		require.Zero(t, e.Installs)
		require.Zero(t, p.rows()["event"])
		ok, err = p.event(otherApp, "unseen", "e2", start.Add(time.Hour))
		requireErased(t, ok, err)
	})
}

// A delivery that is under way while its subject is erased leaves no line behind.
func TestEraseUnderTheSendersHands(t *testing.T) {
	eachPeople(t, func(t *testing.T, p people) {
		ok, err := p.install(1, "a", "install-a", start.Add(-time.Hour))
		require.NoError(t, err)
		require.True(t, ok)
		got, err := p.s.Claim(t.Context(), "d1", 1, p.now.Now(), time.Hour)
		require.NoError(t, err)
		require.Len(t, got, 1)
		require.Equal(t, 1, p.erase(vault.IDFA, idfaOf("a"), 0).Deliveries)
		require.ErrorIs(t, p.settle(got[0]), errFenced)
		require.Zero(t, p.rows()["delivery_attempt"])
	})
}

// However an erasure and the reports of its subject meet, nothing is left when both
// are done.
func TestEraseBesideReports(t *testing.T) {
	eachPeople(t, func(t *testing.T, p people) {
		for i := range 25 {
			who := fmt.Sprint("x", i)
			var wg sync.WaitGroup
			errs := make([]error, 4)
			wg.Go(func() { _, errs[0] = p.click(who, start.Add(-2*time.Hour)) })
			wg.Go(func() { _, errs[1] = p.install(1, who, "install-"+who, start.Add(-time.Hour)) })
			wg.Go(func() { _, errs[2] = p.event(1, "install-"+who, "e-"+who, start) })
			wg.Go(func() {
				_, errs[3] = p.s.EraseSubject(t.Context(), Subject{Kind: vault.Install, Value: "install-" + who})
			})
			wg.Wait()
			for _, err := range errs {
				var rej *conversion.Rejection
				if err != nil && !errors.As(err, &rej) {
					require.NoError(t, err)
				}
			}
		}
		rows := p.rows()
		delete(rows, "click") // one that no install had named yet is nobody's by an install's id
		for table, n := range rows {
			require.Zero(t, n, table)
		}
	})
}

// On SQLite the file itself is the proof: no sealed body, answer or hash of the one
// erased is left in it, but for the hashes that keep the erasure.
func TestEraseOverwrites(t *testing.T) {
	t.Parallel()
	main := migratedSQLite(t)
	runOn(t, main, main, func(t *testing.T, s *Store, now *clock.Movable) {
		p := people{t, s, now, conversion.Intake{Store: s}}
		_, err := s.SaveDestination(t.Context(), forward.Destination{ID: "d1", AppID: 1, Scope: forward.ScopeAll, Enabled: true,
			URL: "https://h.example/?i={idfa}", Kinds: []string{forward.KindInstall, forward.KindEvent}}, start)
		require.NoError(t, err)
		p.live("a")
		var texts []string
		require.NoError(t, s.main.r.SelectContext(t.Context(), &texts, `SELECT body FROM click UNION ALL SELECT body FROM install
			UNION ALL SELECT detail FROM install UNION ALL SELECT body FROM event UNION ALL SELECT fields FROM outbox
			UNION ALL SELECT answer FROM delivery_attempt UNION ALL SELECT idfv_hash FROM install`))
		require.Len(t, texts, 1+1+1+2+3+1+1)
		file := func() (all string) {
			for _, suffix := range []string{"", "-wal"} {
				content, err := os.ReadFile(filepath.Join(strings.TrimPrefix(main, "sqlite:"), "skand.db") + suffix)
				require.NoError(t, err)
				all += string(content)
			}
			return all
		}
		// A sealed body may lie across pages; its begin lies on one.
		before := file()
		for _, text := range texts {
			require.Contains(t, before, text[12:24])
		}
		p.erase(vault.IDFA, idfaOf("a"), 0)
		after := file()
		for _, text := range texts {
			require.NotContains(t, after, text[12:24])
		}
		require.Contains(t, after, s.vault.Hash(vault.Install, "install-a"), "the evidence")
	})
}
