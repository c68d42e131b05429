package store

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/internal/apply"
	"skand/schema"
)

// publishes makes a draft of purchases at these prices and publishes it.
func (in inbox) publishes(p Publication, prices ...string) (Published, error) {
	in.t.Helper()
	d := in.draft(string(purchases(prices...)))
	return in.s.PublishDraft(as(in.t, "bob", "editor"), testApp, d.ID, revision(1), p)
}

func (in inbox) mustPublish(prices ...string) Published {
	in.t.Helper()
	p, err := in.publishes(Publication{}, prices...)
	require.NoError(in.t, err)
	return p
}

func TestPublishDraft(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(nil)
		d := in.draft(string(purchases("1.50")))
		first, err := in.s.PublishDraft(as(t, "bob", "editor"), testApp, d.ID, revision(1), Publication{Why: "go live"})
		require.NoError(t, err)
		require.Equal(t, d.Report.Warnings, first.Warnings)
		require.NotEmpty(t, first.Warnings, "warnings don't stand in the way")
		require.Empty(t, first.Effects)
		doc, err := schema.Parse(purchases("1.50"))
		require.NoError(t, err)
		canonical, err := doc.Canonical()
		require.NoError(t, err)
		require.Equal(t, SchemaVersion{
			Version: 1, EffectiveFrom: start, PublishedAt: start, PublishedBy: "bob", Why: "go live", FromDraft: d.ID, Document: canonical,
		}, first.SchemaVersion)
		kept, err := in.s.Draft(t.Context(), testApp, d.ID)
		require.NoError(t, err)
		require.Equal(t, d.Revision, kept.Revision, "the draft stays as it was")

		var same *SameVersion
		_, err = in.s.PublishDraft(t.Context(), testApp, d.ID, revision(1), Publication{})
		require.ErrorAs(t, err, &same)
		require.Equal(t, 1, same.Version)
		in.now.Advance(time.Hour)
		second := in.mustPublish("1.50", "2")
		require.Equal(t, 2, second.Version)
		require.Len(t, second.Effects, 4)
		require.Equal(t, second.EffectiveFrom.Add((24+96)*time.Hour), second.Effects[1].AmbiguousTo)
		for _, p := range []Published{first, second} {
			got, err := in.s.Schema(t.Context(), testApp, p.Version)
			require.NoError(t, err)
			require.Equal(t, p.SchemaVersion, got.SchemaVersion)
			require.ElementsMatch(t, p.Effects, got.Effects)
		}
		_, err = in.s.Schema(t.Context(), testApp, 3)
		require.ErrorIs(t, err, ErrNoVersion)
		_, err = in.s.PublishDraft(t.Context(), 1, d.ID, revision(1), Publication{})
		require.ErrorIs(t, err, ErrNoApp)
		require.Len(t, in.audited(AuditFilter{AppID: testApp, Who: "bob", Action: ActPublish}), 2)
		require.Equal(t, "applied", in.applied(purchases("7")).Why, "files are one way among others")
	})
}

// applied publishes by a bundle and returns the newest version.
func (in inbox) applied(doc json.RawMessage) SchemaVersion {
	in.t.Helper()
	in.now.Advance(time.Hour)
	in.register(func(a *apply.App) { a.Schema = doc })
	versions, _, err := in.s.Schemas(in.t.Context(), testApp, "", 1)
	require.NoError(in.t, err)
	return versions[0]
}

func TestPublishTimes(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(nil)
		try := func(from time.Time, price string) error {
			_, err := in.publishes(Publication{EffectiveFrom: &from}, price)
			return err
		}
		var bad *BadEffective
		require.ErrorAs(t, try(start.AddDate(1, 0, 0), "1"), &bad)
		require.ErrorContains(t, bad, "2027-11-02T00:00:00Z is more than 90 days ahead", "a mistyped year")
		require.NoError(t, try(start.AddDate(-1, 0, 0), "1"), "the first may say since when it was on the phones")
		require.ErrorAs(t, try(start.Add(-time.Hour), "2"), &bad)
		require.ErrorContains(t, bad, "is in the past")
		require.NoError(t, try(start.Add(48*time.Hour), "2"))
		_, err := in.publishes(Publication{}, "3")
		require.ErrorAs(t, err, &bad, "nothing comes before a version that waits")
		require.ErrorContains(t, bad, "is not after version 2, which takes effect at 2026-11-04T00:00:00Z")
		require.ErrorAs(t, try(start.Add(48*time.Hour+time.Microsecond), "3"), &bad, "times are kept in milliseconds")
		require.NoError(t, try(start.Add(48*time.Hour+time.Millisecond), "3"), "what replaces it as it begins")

		n, err := in.s.CurrentVersion(t.Context(), testApp)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		in.now.Advance(48 * time.Hour)
		n, err = in.s.CurrentVersion(t.Context(), testApp)
		require.NoError(t, err)
		require.Equal(t, 2, n)
		n, err = in.s.NewestVersion(t.Context(), testApp)
		require.NoError(t, err)
		require.Equal(t, 3, n)
		n, err = in.s.CurrentVersion(t.Context(), 1)
		require.NoError(t, err)
		require.Zero(t, n)
	})
}

func TestRollBack(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(nil)
		in.mustPublish("1")
		in.now.Advance(time.Hour)
		in.mustPublish("2")
		in.now.Advance(time.Hour)
		back, err := in.s.RollBack(as(t, "bob", "editor"), testApp, 1, Publication{Why: "2 was wrong"})
		require.NoError(t, err)
		require.Equal(t, "3 1 bob 2 was wrong", fmt.Sprint(back.Version, " ", back.RolledBackFrom, " ", back.PublishedBy, " ", back.Why))
		require.Len(t, back.Effects, 4)
		first, err := in.s.Schema(t.Context(), testApp, 1)
		require.NoError(t, err)
		require.Equal(t, first.Document, back.Document)
		require.Zero(t, first.RolledBackFrom, "what is copied stays as it was")
		require.Len(t, in.audited(AuditFilter{Action: ActRollBack, Who: "bob"}), 1)

		var same *SameVersion
		_, err = in.s.RollBack(t.Context(), testApp, 3, Publication{})
		require.ErrorAs(t, err, &same)
		_, err = in.s.RollBack(t.Context(), testApp, 1, Publication{})
		require.ErrorAs(t, err, &same, "it means what version 3 means")
		_, err = in.s.RollBack(t.Context(), testApp, 9, Publication{})
		require.ErrorIs(t, err, ErrNoVersion)
		_, err = in.s.RollBack(t.Context(), 1, 1, Publication{})
		require.ErrorIs(t, err, ErrNoApp)
		in.register(func(a *apply.App) { a.Currency = "EUR" })
		_, err = in.s.RollBack(t.Context(), testApp, 2, Publication{})
		var invalid *InvalidSchema
		require.ErrorAs(t, err, &invalid, "dollars, in an app that counts euros by now")
	})
}

// Numbers have no gaps and no doubles, whoever publishes at once, and what was
// published never changes.
func TestConcurrentPublishing(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(nil)
		const n = 6
		var all sync.WaitGroup
		done, errs := make([]Published, n), make([]error, n)
		for i := range n {
			d := in.draft(string(purchases(fmt.Sprint(i + 1))))
			at := start.Add(time.Duration(i+1) * time.Hour)
			all.Go(func() {
				done[i], errs[i] = in.s.PublishDraft(as(t, "bob", "editor"), testApp, d.ID, revision(1), Publication{EffectiveFrom: &at})
			})
		}
		all.Wait()
		published := 0
		for i, err := range errs {
			var bad *BadEffective
			if err != nil {
				require.ErrorAs(t, err, &bad, "a later one was faster")
				continue
			}
			published++
			got, err := in.s.Schema(t.Context(), testApp, done[i].Version)
			require.NoError(t, err)
			require.Equal(t, done[i].SchemaVersion, got.SchemaVersion)
		}
		require.Positive(t, published)
		list, _, err := in.s.Schemas(t.Context(), testApp, "", 100)
		require.NoError(t, err)
		require.Len(t, list, published)
		for i, v := range list {
			require.Equal(t, published-i, v.Version)
			if i > 0 {
				require.True(t, v.EffectiveFrom.Before(list[i-1].EffectiveFrom))
			}
		}
	})
}

// A layout without a table is written out: what is published always decodes.
func TestPublishExpandsALayout(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(nil)
		const layout = `{"kind":"bands","event":{"name":"purchase"},"from":"1","step":"2","count":5}`
		text := `{"currency":"USD","open_band_mean":"20","windows":[{"index":0}],"layout":` + layout + `}`
		d := in.draft(text)
		require.True(t, d.Report.OK, "%v", d.Report)
		p, err := in.s.PublishDraft(t.Context(), testApp, d.ID, revision(1), Publication{})
		require.NoError(t, err)
		doc, err := schema.Parse(p.Document)
		require.NoError(t, err)
		require.NotEmpty(t, doc.Windows[0].Fine)
		require.NotEmpty(t, doc.Layout, "so that the editor can open it again")
		kept, err := in.s.Draft(t.Context(), testApp, d.ID)
		require.NoError(t, err)
		require.Equal(t, text, string(kept.Document))
		var same *SameVersion
		in.now.Advance(time.Hour)
		_, err = in.s.Apply(t.Context(), &apply.Bundle{Apps: []apply.App{{AppID: testApp, Schema: json.RawMessage(text)}}}, "tester", false)
		require.NoError(t, err, "files may hold the layout alone too")
		_, err = in.s.PublishDraft(t.Context(), testApp, d.ID, revision(1), Publication{})
		require.ErrorAs(t, err, &same)
		require.Equal(t, 1, same.Version)
	})
}

// What waited without a schema is decoded with the first; a second leaves it alone.
func TestPublishDecodesWhatWaited(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(nil)
		in.postThree()
		require.Zero(t, in.decode(), "the receiver decoded them, without a schema")
		in.mustPublish("1", "2", "3", "4", "9.99")
		require.Equal(t, 3, in.decode())
		decoded := in.dump(decodedDump)
		require.Equal(t, []string{"fine|1|payer|9.99|decoded", "null|1||0|null", "unset|1||0|unset"}, decoded)
		in.now.Advance(time.Hour)
		in.mustPublish("1", "2", "3", "4", "5")
		require.Zero(t, in.decode())
		_, err := in.s.RollBack(t.Context(), testApp, 1, Publication{EffectiveFrom: ptr(in.now.Now().Add(time.Hour))})
		require.NoError(t, err)
		require.Zero(t, in.decode())
		require.Equal(t, decoded, in.dump(decodedDump), "what version 1 decoded keeps its meaning")
	})
}

// A decode that began before the first schema was there must not be kept after it:
// nothing would decode the row again.
func TestDecodeOvertakenByTheFirstSchema(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(nil)
		in.postThree()
		in.undecode()
		pending, err := in.s.Undecoded(t.Context(), 10)
		require.NoError(t, err)
		require.Len(t, pending, 3)
		var stale []conversion.Decoded
		for i := range pending {
			stale = append(stale, conversion.Decode(&pending[i], nil, in.now.Now()))
		}
		in.mustPublish("1", "2", "3", "4", "9.99")
		n, err := in.s.SaveDecoded(t.Context(), stale)
		require.NoError(t, err)
		require.Zero(t, n)
		require.Equal(t, 3, in.decode())
		require.Equal(t, []string{"fine|1|payer|9.99|decoded", "null|1||0|null", "unset|1||0|unset"}, in.dump(decodedDump))
	})
}

func TestListVersions(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(nil)
		for i := range 5 {
			in.mustPublish(fmt.Sprint(i + 1))
			in.now.Advance(time.Hour)
		}
		for limit := 1; limit <= 6; limit++ {
			got := pages(t, func(cursor string) (ids []string, next string) {
				page, next, err := in.s.Schemas(t.Context(), testApp, cursor, limit)
				require.NoError(t, err)
				for _, v := range page {
					ids = append(ids, fmt.Sprint(v.Version))
				}
				return ids, next
			}, func(int) {})
			require.Equal(t, []string{"5", "4", "3", "2", "1"}, got)
		}
		_, _, err := in.s.Schemas(t.Context(), testApp, "x", 5)
		require.ErrorIs(t, err, ErrCursor)
	})
}
