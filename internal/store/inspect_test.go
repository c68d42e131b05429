package store

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/fixtures/apple"
	"skand/internal/apply"
	"skand/internal/clock"
	"skand/schema"
	"skand/skan"
)

// newest is the raw copy that came last.
func (in inbox) newest() PostbackRef {
	in.t.Helper()
	page, _, err := in.s.Postbacks(in.t.Context(), PostbackFilter{}, "", 1)
	require.NoError(in.t, err)
	return PostbackRef{AppID: page[0].AppID, ReceivedAt: page[0].ReceivedAt, ID: page[0].ID}
}

func (in inbox) inspect(ref PostbackRef) Inspection {
	in.t.Helper()
	x, err := in.s.InspectPostback(in.t.Context(), ref)
	require.NoError(in.t, err)
	require.Equal(in.t, ref.ID, x.Copy.ID)
	return x
}

func identityOf(p apple.Postback) skan.Identity {
	return skan.Identity{AppID: p.AppID, Framework: skan.SKAdNetwork, NetworkID: strings.ToLower(p.Network), ID: p.ID, Index: p.Index}
}

// The life of one postback: copies by every path, its decode, its window, its row, and
// its row read again, seen from a copy and from the identity.
func TestInspectFollowsAPostback(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(func(a *apply.App) { a.Schema = purchases("1", "2", "3", "4", "5") })
		one := won(1)
		require.Equal(t, conversion.Accepted, in.post(one, conversion.Network).State)
		first := in.newest()
		in.now.Advance(time.Minute)
		relayed := one
		relayed.Fine = ptr(3)
		_, _, err := in.Receive(t.Context(), conversion.Arrival{Source: conversion.Relay, Relay: "vendor", Body: body(t, relayed)})
		require.NoError(t, err)
		in.now.Advance(time.Minute)
		better := one
		better.Fine = ptr(2)
		require.Equal(t, conversion.Conflict, in.post(better, conversion.Developer).State)
		last := in.newest()
		in.post(won(2), conversion.Developer) // another's
		in.decode()

		x := in.inspect(last)
		require.Len(t, x.Copies, 3)
		require.True(t, x.Searched.Complete)
		require.Equal(t, []conversion.State{"accepted", "conflict", "conflict"}, []conversion.State{x.Copies[0].State, x.Copies[1].State, x.Copies[2].State})
		require.Equal(t, first.ID, x.Copies[0].ID)
		require.Equal(t, "vendor", x.Copies[1].Relay)
		require.Equal(t, []conversion.Difference{{Field: "conversion-value", Counted: "5", Copy: "3"}}, x.Copies[1].Differs)
		require.Equal(t, "better_source", x.Copy.Reason)
		require.Equal(t, []bool{false, false, true}, []bool{x.Copies[0].Counts, x.Copies[1].Counts, x.Copies[2].Counts})
		require.NotEmpty(t, x.Copy.Body)
		require.NotEmpty(t, x.Copies[0].Body)

		c := x.Counted
		require.Equal(t, start, c.CountedAt)
		require.Equal(t, conversion.Developer, c.Source)
		require.Equal(t, 2, *c.Fine)
		require.Equal(t, 1, c.Decode.SchemaVersion)
		require.Equal(t, schema.StateDecoded, c.Decode.State)
		require.Equal(t, "fine", c.Decode.CountsAs)
		require.Equal(t, "2 USD p2", c.Decode.RevenueEst.String()+" "+c.Decode.Currency+" "+c.Decode.Events[0].Name)
		require.Equal(t, last.ReceivedAt.Add(-96*time.Hour), c.Launch.From)
		require.Equal(t, last.ReceivedAt.Add(-24*time.Hour), c.Launch.To)
		require.Nil(t, c.Placed)
		require.Equal(t, WaitsForWindow, c.Waits.Why)
		require.Equal(t, start.Add(weekLong), *c.Waits.WindowEnd)

		in.crowd(crowd{tag: "a", n: 30, at: start, payer: true, revenue: "5", version: 1})
		in.nextWeek()
		require.Equal(t, 1, in.seal().Published)
		c = in.inspect(first).Counted
		require.Nil(t, c.Waits)
		require.Equal(t, weekID(0), c.Placed.ReleaseID)
		require.Equal(t, start.Add(weekLong), c.Placed.WindowEnd)
		require.Empty(t, c.Placed.Redecodes)
		require.Equal(t, &InspectedRow{
			RowID: weekID(0) + "/" + testNetwork + "/39/239/5239", Level: "src4", NetworkID: testNetwork, IDKind: "source",
			Source2: "39", Source3: "239", Source4: "5239", Installs: 32,
		}, c.Placed.Row)
		require.Equal(t, []string{"32"}, dump(t, in.s.pub, `SELECT installs FROM `+in.s.pub.table("cohort")+` WHERE row_id = ?`, c.Placed.Row.RowID))

		in.dearer("10", "20", "30", "40", "50")
		_, err = in.redecoder().Redecode(t.Context(), weekID(0), 2)
		require.NoError(t, err)
		byIdentity, err := in.s.InspectIdentity(t.Context(), identityOf(one))
		require.NoError(t, err)
		require.Nil(t, byIdentity.Copy)
		require.Len(t, byIdentity.Copies, 3)
		require.Equal(t, again(weekID(0)), byIdentity.Counted.Placed.Redecodes[0].ReleaseID)
		require.Equal(t, []int{2}, byIdentity.Counted.Placed.Redecodes[0].SchemaVersions)
		require.Equal(t, c.Placed.Row, byIdentity.Counted.Placed.Row)

		in.sql(`DELETE FROM postback`) // as retention does
		_, err = in.s.InspectPostback(t.Context(), first)
		require.ErrorIs(t, err, ErrNoPostback)
		kept, err := in.s.InspectIdentity(t.Context(), identityOf(one))
		require.NoError(t, err)
		require.Empty(t, kept.Copies)
		require.Equal(t, byIdentity.Counted, kept.Counted)
	})
}

// What does not verify is nobody's copy, and says why.
func TestInspectWhatCountsNowhere(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		forged := strings.Replace(string(body(t, won(1))), "5239", "5240", 1)
		require.Equal(t, conversion.Quarantined, in.postBody([]byte(forged), conversion.Developer).State)
		x := in.inspect(in.newest())
		require.Nil(t, x.Counted)
		require.Equal(t, "signature_mismatch attribution-signature", x.Copy.Reason+" "+x.Copy.Field)
		require.Len(t, x.Copies, 1)
		require.Equal(t, forged, x.Copy.Body)

		in.now.Advance(time.Second)
		in.postBody([]byte(`{}`), conversion.Developer)
		require.Equal(t, "unknown_format", in.inspect(in.newest()).Copy.Reason, "of no app")
		_, err := in.s.InspectIdentity(t.Context(), identityOf(won(1)))
		require.ErrorIs(t, err, ErrNoPostback)
	})
}

func TestInspectWhatWaits(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		why := func(p apple.Postback) *InspectedWait {
			t.Helper()
			x, err := in.s.InspectIdentity(t.Context(), identityOf(p))
			require.NoError(t, err)
			return x.Counted.Waits
		}
		in.post(won(1), conversion.Developer)
		require.Equal(t, &InspectedWait{Why: WaitsForApp, CarriedFrom: []string{}}, why(won(1)))
		in.register(nil)
		test := won(2)
		test.SourceApp = ptr(int64(0))
		in.post(test, conversion.Developer)
		require.Equal(t, WaitsTest, why(test).Why)
		_, _, err := in.Receive(t.Context(), conversion.Arrival{Source: conversion.Relay, Relay: "v", Body: body(t, won(3))})
		require.NoError(t, err)
		require.Equal(t, WaitsForDecode, why(won(3)).Why)
		x, err := in.s.InspectIdentity(t.Context(), identityOf(won(3)))
		require.NoError(t, err)
		require.Nil(t, x.Counted.Decode)
		require.Nil(t, x.Counted.Launch)

		in.decode()
		in.nextWeek()
		require.Equal(t, 1, in.seal().Carried)
		w := why(won(3))
		require.Equal(t, WaitsForCrowd, w.Why)
		require.Equal(t, []string{weekID(0)}, w.CarriedFrom)
		require.Equal(t, start.Add(weekLong), *w.WindowStart)
		in.post(won(4), conversion.Developer)
		require.Equal(t, []string{}, why(won(4)).CarriedFrom, "it came after that window")
	})
}

// Whoever has a right on some apps sees nothing of others, and no difference to what is
// not there.
func TestInspectIsBoundedToGrantedApps(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.post(won(1), conversion.Developer)
		ref := in.newest()
		mine, others := GrantedApps(t.Context(), []int64{testApp}), GrantedApps(t.Context(), []int64{1})
		_, err := in.s.InspectPostback(mine, ref)
		require.NoError(t, err)
		for _, wrong := range []PostbackRef{
			{ref.AppID + 1, ref.ReceivedAt, ref.ID}, {ref.AppID, ref.ReceivedAt.Add(1e6), ref.ID}, {ref.AppID, ref.ReceivedAt, "x"},
			{ref.AppID, ref.ReceivedAt, "a\x00b"}, {ref.AppID, ref.ReceivedAt, "\xff"},
		} {
			_, err := in.s.InspectPostback(t.Context(), wrong)
			require.ErrorIs(t, err, ErrNoPostback)
		}
		_, err = in.s.InspectPostback(others, ref)
		require.ErrorIs(t, err, ErrNoPostback)
		_, err = in.s.InspectIdentity(others, identityOf(won(1)))
		require.ErrorIs(t, err, ErrNoPostback)
	})
}

// A search that is cut says so, and how far it went.
func TestInspectBoundsItsSearch(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		for range maxCopies + 2 {
			in.post(won(1), conversion.Developer)
			in.now.Advance(time.Second)
		}
		x := in.inspect(in.newest())
		require.False(t, x.Searched.Complete)
		require.Len(t, x.Copies, maxCopies+1, "those shown, and the one that was asked for")

		// A busy app: ten arrivals on either side are all that is looked at.
		middle := start.Add(50 * time.Second)
		x = Inspection{AppID: testApp}
		require.NoError(t, in.s.copiesOf(t.Context(), &x, identityOf(won(1)).Hash(), ms(middle), 10))
		require.Equal(t, SearchedCopies{middle.Add(-11 * time.Second), middle.Add(10 * time.Second), false}, x.Searched)
		require.Len(t, x.Copies, 21)
		require.NoError(t, in.s.copiesOf(t.Context(), &x, identityOf(won(2)).Hash(), ms(middle), 500))
		require.Empty(t, x.Copies)
		require.True(t, x.Searched.Complete)
	})
}

// A look goes to rows by their keys, or along one app's arrivals of some weeks: never
// through a table, however long the history.
func TestInspectNeverScans(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), Options{Main: migratedSQLite(t), Lab: Lab, Clock: clock.NewManual(start)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	for text, want := range map[string]string{
		copyOfSQL:         "postback USING INDEX sqlite_autoindex_postback_1 (app_id=? AND received_at=? AND id=?)",
		firstSeenSQL:      "postback_identity USING INDEX sqlite_autoindex_postback_identity_1 (app_id=? AND environment=? AND identity=?)",
		countedOfSQL:      "c USING INDEX sqlite_autoindex_counted_postback_1 (app_id=? AND environment=? AND first_seen=? AND identity=?)",
		copiesOfSQL:       "postback USING INDEX sqlite_autoindex_postback_1 (app_id=? AND received_at>? AND received_at<?)",
		furthestAfterSQL:  "postback USING COVERING INDEX sqlite_autoindex_postback_1 (app_id=? AND received_at>? AND received_at<?)",
		furthestBeforeSQL: "postback USING COVERING INDEX sqlite_autoindex_postback_1 (app_id=? AND received_at>? AND received_at<?)",
		redecodesOfSQL:    "release_ledger USING INDEX",
		carriedOfSQL:      "release_ledger USING INDEX",
	} {
		plan := strings.Join(dump(t, s.main, "EXPLAIN QUERY PLAN "+text, make([]any, strings.Count(text, "?"))...), "\n")
		require.Contains(t, plan, want, text)
		require.NotContains(t, plan, "SCAN", text)
	}
}
