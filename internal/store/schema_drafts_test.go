package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/apply"
	"skand/schema"
)

// at revision n.
func revision(n int) Match { return Match{Revisions: []int{n}} }

func (in inbox) draft(document string) Draft {
	in.t.Helper()
	d, err := in.s.CreateDraft(as(in.t, "ann", "editor"), testApp, NewDraft{Document: json.RawMessage(document)})
	require.NoError(in.t, err)
	return d
}

func codes(findings []schema.Finding) []string {
	out := []string{}
	for _, f := range findings {
		out = append(out, string(f.Code))
	}
	return out
}

func TestDraftIsKeptAsItWasSent(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(nil)
		for _, text := range []string{
			`{}`, `{"windows": "soon", "todo": ["ask Bob", null, 1e400, "\u0000"], "todo": 2}`, `{"name":"é` + "\u2028" + `"}`,
		} {
			d, err := in.s.CreateDraft(as(t, "ann", "editor"), testApp, NewDraft{Document: json.RawMessage(text), Note: "first try"})
			require.NoError(t, err)
			require.False(t, d.Report.OK)
			got, err := in.s.Draft(t.Context(), testApp, d.ID)
			require.NoError(t, err)
			require.Equal(t, d, got)
			require.Equal(t, text, string(got.Document), "to the byte")
			require.Equal(t, Draft{
				ID: d.ID, AppID: testApp, Revision: 1, Note: "first try", CreatedBy: "ann", CreatedAt: start, UpdatedBy: "ann", UpdatedAt: start,
				Document: json.RawMessage(text), Report: d.Report, Table: d.Table,
			}, got)
			for _, action := range []Match{revision(1), {Any: true}} {
				_, err = in.s.PublishDraft(t.Context(), testApp, d.ID, action, Publication{})
				var invalid *InvalidSchema
				require.ErrorAs(t, err, &invalid)
				require.Equal(t, *d.Report, invalid.Report, "what stands in the way is what the draft's report said")
			}
		}
		require.Empty(t, in.dump(`SELECT version FROM schema_version`))
	})
}

func TestDraftReportKnowsTheApp(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(func(a *apply.App) { a.Currency, a.Schema = "EUR", nil })
		d := in.draft(`{"app_id": 5, ` + string(purchases("1"))[1:])
		require.Equal(t, []string{"app_differs", "currency_differs"}, codes(d.Report.Errors))
		require.Equal(t, "/currency", d.Report.Errors[1].Pointer)
		in.register(nil) // dollars again
		d, err := in.s.SaveDraft(as(t, "bob", "editor"), testApp, d.ID, revision(1), purchases("1"), nil)
		require.NoError(t, err)
		require.True(t, d.Report.OK, "%v", d.Report)
		_, err = in.s.PublishDraft(t.Context(), testApp, d.ID, revision(2), Publication{})
		require.NoError(t, err)

		late := in.draft(string(purchases("2")))
		require.Equal(t, 1, late.BasedOn, "unless it is said, on the newest")
		require.NotContains(t, codes(late.Report.Warnings), string(CodeBasedOnOlder))
		in.now.Advance(time.Hour)
		in.register(func(a *apply.App) { a.Schema = purchases("3") })
		late, err = in.s.Draft(t.Context(), testApp, late.ID)
		require.NoError(t, err)
		require.True(t, late.Report.OK)
		require.Contains(t, codes(late.Report.Warnings), string(CodeBasedOnOlder))
	})
}

func TestDraftWrites(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(nil)
		d := in.draft(`{"a":1}`)
		in.now.Advance(time.Minute)
		saved, err := in.s.SaveDraft(as(t, "bob", "editor"), testApp, d.ID, revision(1), json.RawMessage(`{"b":2}`), ptr("why"))
		require.NoError(t, err)
		require.Equal(t, "2 ann bob why", fmt.Sprint(saved.Revision, " ", saved.CreatedBy, " ", saved.UpdatedBy, " ", saved.Note))
		require.Equal(t, in.now.Now(), saved.UpdatedAt)

		var stale *StaleDraft
		for _, m := range []Match{revision(1), revision(3), {}} {
			_, err = in.s.SaveDraft(as(t, "eve", "editor"), testApp, d.ID, m, json.RawMessage(`{"c":3}`), nil)
			require.ErrorAs(t, err, &stale)
			require.Equal(t, saved, stale.Current, "the editor can show both")
			require.ErrorContains(t, err, "bob saved it at 2026-11-02T00:01:00Z")
			require.ErrorAs(t, in.s.DeleteDraft(as(t, "eve", "editor"), testApp, d.ID, m), &stale)
			_, err = in.s.PublishDraft(as(t, "eve", "editor"), testApp, d.ID, m, Publication{})
			require.ErrorAs(t, err, &stale)
		}
		kept, err := in.s.SaveDraft(as(t, "bob", "editor"), testApp, d.ID, Match{Any: true}, json.RawMessage(`{"d":4}`), nil)
		require.NoError(t, err)
		require.Equal(t, "why", kept.Note, "a note stays until it is replaced")
		require.NoError(t, in.s.DeleteDraft(as(t, "bob", "editor"), testApp, d.ID, Match{Revisions: []int{9, 3}}))
		for _, err := range []error{
			in.s.DeleteDraft(t.Context(), testApp, d.ID, Match{Any: true}),
			func() error { _, err := in.s.Draft(t.Context(), testApp, d.ID); return err }(),
			func() error { _, err := in.s.Draft(t.Context(), testApp, "\x00"); return err }(),
		} {
			require.ErrorIs(t, err, ErrNoDraft)
		}
		require.Equal(t, []string{
			"ann/editor draft.create 6446901002 draft " + d.ID, "bob/editor draft.save 6446901002 draft " + d.ID,
			"bob/editor draft.save 6446901002 draft " + d.ID, "bob/editor draft.delete 6446901002 draft " + d.ID,
		}, in.audited(AuditFilter{})[1:])

		_, err = in.s.CreateDraft(t.Context(), 1, NewDraft{Document: json.RawMessage(`{}`)})
		require.ErrorIs(t, err, ErrNoApp)
		_, err = in.s.CreateDraft(t.Context(), testApp, NewDraft{Document: json.RawMessage(`{}`), BasedOn: ptr(1)})
		require.ErrorIs(t, err, ErrNoVersion)
		other := in.draft(`{}`)
		in.apply(&apply.Bundle{Apps: []apply.App{{AppID: 7}}})
		_, err = in.s.Draft(t.Context(), 7, other.ID)
		require.ErrorIs(t, err, ErrNoDraft, "a draft of another app")
	})
}

// Of any number of saves at once on top of one revision exactly one wins, and each
// of the others is told what won.
func TestConcurrentSavesHaveOneWinner(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(nil)
		d := in.draft(`{"n":-1}`)
		const editors, rounds = 8, 5
		for round := 1; round <= rounds; round++ {
			errs := make([]error, editors)
			var all sync.WaitGroup
			for i := range editors {
				all.Go(func() {
					doc := json.RawMessage(fmt.Sprintf(`{"n":%d}`, i))
					_, errs[i] = in.s.SaveDraft(as(t, fmt.Sprint("editor ", i), "editor"), testApp, d.ID, revision(round), doc, nil)
				})
			}
			all.Wait()
			now, err := in.s.Draft(t.Context(), testApp, d.ID)
			require.NoError(t, err)
			require.Equal(t, round+1, now.Revision)
			winners := 0
			for i, err := range errs {
				var stale *StaleDraft
				switch {
				case err == nil:
					winners++
					require.Equal(t, fmt.Sprintf(`{"n":%d}`, i), string(now.Document))
					require.Equal(t, fmt.Sprint("editor ", i), now.UpdatedBy)
				case errors.As(err, &stale):
					require.Equal(t, now, stale.Current)
				default:
					require.NoError(t, err)
				}
			}
			require.Equal(t, 1, winners)
		}
		require.Len(t, in.audited(AuditFilter{Action: ActDraftSave}), rounds)
	})
}

func TestListDrafts(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(nil)
		for i := range 7 {
			in.draft(fmt.Sprintf(`{"n":%d}`, i))
			if i%3 == 2 {
				in.now.Advance(time.Second)
			}
		}
		want := in.dump(`SELECT draft_id FROM schema_draft ORDER BY created_at DESC, draft_id DESC`)
		for limit := 1; limit <= 8; limit++ {
			got := pages(t, func(cursor string) (ids []string, next string) {
				page, next, err := in.s.Drafts(t.Context(), testApp, cursor, limit)
				require.NoError(t, err)
				for _, d := range page {
					require.Nil(t, d.Document)
					require.Nil(t, d.Report)
					ids = append(ids, d.ID)
				}
				return ids, next
			}, func(int) {
				in.now.Advance(time.Second)
				_, err := in.s.SaveDraft(t.Context(), testApp, want[6], Match{Any: true}, json.RawMessage(`{}`), nil)
				require.NoError(t, err)
			})
			require.Equal(t, want, got, "limit %d", limit)
		}
		for _, cursor := range []string{"x", ".", "1.\x00", "x.y"} {
			_, _, err := in.s.Drafts(t.Context(), testApp, cursor, 5)
			require.ErrorIs(t, err, ErrCursor, "%q", cursor)
		}
	})
}
