package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/forward"
	"skand/internal/clock"
)

func (q queue) want(id string, limit int) forward.Want {
	return forward.Want{DestinationID: id, Limit: limit, Now: q.now.Now(), Lease: time.Minute}
}

func (q queue) exchange(done []forward.Settlement, wants ...forward.Want) forward.Settled {
	q.t.Helper()
	got, err := q.s.Exchange(q.t.Context(), done, wants)
	require.NoError(q.t, err)
	require.NoError(q.t, got.Unread)
	return got
}

func (q queue) delivered(all []forward.Delivery) (done []forward.Settlement) {
	for _, d := range all {
		done = append(done, delivered(d, q.now.Now()))
	}
	return done
}

// TestExchange works two queues to their end, and each delivery comes once: what is
// settled is not claimed by the same transaction, though its lease may have lapsed.
func TestExchange(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		q.save("e", "https://e.example/", nil)
		q.put(30)
		seen := map[string]bool{}
		var done []forward.Settlement
		for round := range 9 {
			got := q.exchange(done, q.want("d", 4), q.want("e", 7))
			require.Empty(t, got.Fenced)
			require.Empty(t, got.Turned)
			require.Len(t, got.Claimed, min(4, max(0, 30-4*round))+min(7, max(0, 30-7*round)), "round %d", round)
			for _, d := range got.Claimed {
				require.False(t, seen[d.ID])
				seen[d.ID] = true
				require.Equal(t, 1, d.Attempts)
				require.Contains(t, d.Fields, "click_id")
			}
			done = q.delivered(got.Claimed)
			q.now.Advance(2 * time.Minute) // past every lease
		}
		require.Len(t, seen, 60)
		for _, id := range []string{"d", "e"} {
			require.Equal(t, map[forward.State]int{forward.StateDelivered: 30}, q.counts(id))
		}
		require.Equal(t, []string{"60"}, dump(t, q.s.main, `SELECT COUNT(*) FROM delivery_attempt WHERE class = 'ok' AND attempt = 1`))
		require.Equal(t, forward.Settled{}, q.exchange(nil), "nothing to do")
	})
}

// TestExchangeOfAnySize: no settlement is lost or written twice, whatever the length of
// the batch, and however many lengths there have been before.
func TestExchangeOfAnySize(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		q.put(300)
		sum := 0
		for _, n := range []int{1, 2, 3, 5, 8, 11, 24, 63, 64, 65} {
			got := q.exchange(nil, q.want("d", n))
			require.Len(t, got.Claimed, n)
			require.Empty(t, q.exchange(q.delivered(got.Claimed)).Fenced)
			sum += n
			require.Equal(t, sum, q.counts("d")[forward.StateDelivered])
			require.Equal(t, []string{fmt.Sprint(sum)}, dump(t, q.s.main, `SELECT COUNT(*) FROM delivery_attempt`))
		}
	})
}

// TestExchangeWithoutItsStatement: where the one statement can't be run, the transaction
// does the same.
func TestExchangeWithoutItsStatement(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		if q.s.main.dialect != postgres {
			return // has only the transaction
		}
		q.put(9)
		first := q.exchange(nil, q.want("d", 4)).Claimed
		require.NoError(t, q.s.main.looks.Close())
		second := q.exchange(q.delivered(first), q.want("d", 4)).Claimed
		require.Len(t, second, 4)
		require.Empty(t, q.exchange(q.delivered(second)).Fenced)
		require.Equal(t, map[forward.State]int{forward.StateDelivered: 8, forward.StatePending: 1}, q.counts("d"))
	})
}

// TestExchangeMindsTheFence: of two settlements of one delivery the second says that it
// came late, and its attempt is in the log all the same.
func TestExchangeMindsTheFence(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		q.put(3)
		q.exchange(nil, q.want("d", 0)) // how it stands is known from here on
		first := q.exchange(nil, q.want("d", 2)).Claimed
		require.Len(t, first, 2)
		q.now.Advance(time.Minute)
		again := q.exchange(nil, q.want("d", 1)).Claimed
		require.Len(t, again, 1, "its lease has lapsed")
		require.Equal(t, 2, again[0].Attempts)
		got := q.exchange(q.delivered(append(slices.Clone(first), again...)), q.want("d", 9))
		require.Equal(t, []string{again[0].ID}, got.Fenced)
		require.Len(t, got.Claimed, 1, "the third")
		require.Len(t, q.one(again[0].ID).Log, 2)
		require.Equal(t, 2, q.counts("d")[forward.StateDelivered])
		got = q.exchange(q.delivered(again))
		require.Equal(t, []string{again[0].ID}, got.Fenced, "once only")
	})
}

// TestExchangeClaimsNothingThatStandsStill: also where the destination stops by what the
// same transaction settles, or was stopped by another process since this one looked.
func TestExchangeClaimsNothingThatStandsStill(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		q.put(40)
		var fails []forward.Settlement
		for _, d := range q.exchange(nil, q.want("d", 10)).Claimed {
			fails = append(fails, q.settled(d, forward.ClassRetry, forward.StatePending, 503))
		}
		got := q.exchange(fails[:9], q.want("d", 1))
		require.Empty(t, got.Turned)
		require.Len(t, got.Claimed, 1, "nine failures are not ten")
		got = q.exchange(fails[9:], q.want("d", 5))
		require.Len(t, got.Turned, 1)
		require.Empty(t, got.Claimed, "the breaker has opened")
		q.now.Advance(time.Minute)
		require.Empty(t, q.exchange(nil, q.want("d", 5)).Claimed, "probes are for Claim")
		for _, act := range []string{ActDestinationResume, ActDestinationDisable} {
			other := queue{t, q.beside(), q.now}
			_, err := other.s.ActOnDestination(t.Context(), "d", act, "")
			require.NoError(t, err)
			require.Equal(t, act == ActDestinationResume, len(q.exchange(nil, q.want("d", 1)).Claimed) == 1, act)
		}
		require.Empty(t, q.exchange(nil, q.want("nobody", 5)).Claimed)
	})
}

// TestExchangeBesideAnEdit: an outcome is judged by how the destination stands now, not
// by how it stood when this process last looked.
func TestExchangeBesideAnEdit(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		q.put(4)
		all := q.exchange(nil, q.want("d", 4)).Claimed
		q.exchange(q.delivered(all[:1]))
		other := queue{t, q.beside(), q.now}
		require.True(t, other.save("d", "https://h.example/new?c={click_id}", nil))
		held := q.settled(all[1], forward.ClassHeld, forward.StateHeld, 401)
		got := q.exchange(append(q.delivered(all[2:3]), held), q.want("d", 9))
		require.Empty(t, got.Fenced)
		require.Equal(t, forward.StatePending, q.one(all[1].ID).State, "the complaint has been answered")
		require.Equal(t, []int{0, 2}, []int{q.registered("d").Breaker.Held, q.counts("d")[forward.StateDelivered]})
		for _, d := range got.Claimed {
			require.Equal(t, q.registered("d").Breaker.Turn, d.Turn)
		}
		// And what failed is counted, though nothing had failed when it was looked at.
		require.Empty(t, other.fails(all[3]).Fenced)
		require.Zero(t, q.registered("d").Breaker.Failures, "of a turn that has ended")
	})
}

// beside is another process on the same store: it knows nothing of what this one saw.
func (q queue) beside() *Store {
	return &Store{main: q.s.main, pub: q.s.pub, clock: q.s.clock, vault: q.s.vault, lab: q.s.lab}
}

// TestClaimTouchesNoIndex: a claim writes three columns, and no index names any of them,
// in its key or in its condition. So PostgreSQL writes the row beside its old version.
func TestClaimTouchesNoIndex(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		q.put(40)
		texts := dump(t, q.s.main, map[dialect]string{
			sqlite:   `SELECT sql FROM sqlite_master WHERE tbl_name = 'outbox' AND type = 'index' AND sql IS NOT NULL`,
			postgres: `SELECT indexdef FROM pg_indexes WHERE tablename = 'outbox'`,
		}[q.s.main.dialect])
		require.Greater(t, len(texts), 5)
		for _, text := range texts {
			for _, column := range []string{"leased_until", "fence", "attempts"} {
				require.NotContains(t, text, column)
			}
		}
		before := q.one(q.claim(1)[0].ID)
		require.Equal(t, q.now.Now().Add(time.Minute), before.DueAt, "told as the end of its lease")
		require.Equal(t, []string{fmt.Sprint(ms(start))}, dump(t, q.s.main, `SELECT DISTINCT due_at FROM outbox`), "and kept as it was")
		if q.s.main.dialect != postgres {
			return
		}
		require.NoError(t, q.s.main.in(t.Context(), func(x *tx) error {
			d, _, err := readStanding(t.Context(), x, "d", "")
			require.NoError(t, err)
			rows, err := claimSome(t.Context(), x, &d, "d", 20, start, start.Add(time.Minute))
			require.NoError(t, err)
			require.Len(t, rows, 20)
			var beside int
			err = x.GetContext(t.Context(), &beside, `SELECT n_tup_hot_upd FROM pg_stat_xact_user_tables WHERE relname = 'outbox'`)
			require.GreaterOrEqual(t, beside, 10, "the page has room for most")
			return err
		}))
	})
}

// TestDueBesideClaims: what is claimed is due again when its lease lapses, and hides
// nothing that is due behind it.
func TestDueBesideClaims(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		next := func() time.Time {
			due, err := q.s.Due(t.Context())
			require.NoError(t, err)
			require.Len(t, due, 1)
			return due[0].Next
		}
		q.put(5)
		require.Equal(t, start, next())
		q.now.Advance(time.Second)
		first := q.claim(2)
		require.Equal(t, start, next(), "three are free")
		q.now.Advance(time.Second)
		rest := q.claim(9)
		require.Len(t, rest, 3)
		require.Equal(t, start.Add(time.Second+time.Minute), next(), "the first lease")
		require.NoError(t, q.settle(first[0], forward.ClassRetry, forward.StatePending, start.Add(time.Hour)))
		require.Equal(t, start.Add(time.Second+time.Minute), next())
		require.NoError(t, q.settle(first[1], forward.ClassRetry, forward.StatePending, start.Add(30*time.Second)))
		require.Equal(t, start.Add(30*time.Second), next(), "a retry that comes before it")
		q.now.Advance(time.Hour)
		require.Len(t, q.claim(9), 5)
	})
}

// TestQueueOfAnEarlierVersion: what a version before 20 had claimed is due when its lease
// lapses, as its due_at says there, and what was never claimed at once.
func TestQueueOfAnEarlierVersion(t *testing.T) {
	eachPlace(t, func(t *testing.T, o Options) {
		now := o.Clock.(*clock.Movable)
		old := storeBefore(t, o, 18)
		for i, leased := range []any{nil, ms(now.Now().Add(time.Minute))} {
			due := ms(now.Now())
			if leased != nil {
				due = leased.(int64)
			}
			exec(t, old, `INSERT INTO outbox (app_id, id, destination_id, dedup_key, kind, event_name, fields, created_at, first_due_at, due_at,
				expires_at, leased_until, fence, attempts, state, reason, status) VALUES (1, ?, 'd', ?, 'event', 'e', '', ?, ?, ?, ?, ?, ?, ?, 'pending', '', 0)`,
				strings.Repeat("ab"[i:i+1], 36), "k"+strings.Repeat("x", i), ms(now.Now()), ms(now.Now()), due, ms(now.Now().Add(time.Hour)), leased, i, i)
		}
		s, err := reopen(t, o, Lab)
		require.NoError(t, err)
		q := queue{t: t, s: s, now: now}
		q.save("d", "https://h.example/", nil)
		first := q.claim(9)
		require.Len(t, first, 1)
		require.Equal(t, strings.Repeat("a", 36), first[0].ID)
		require.NoError(t, q.settle(first[0], forward.ClassOK, forward.StateDelivered, time.Time{}))
		now.Advance(time.Minute)
		second := q.claim(9)
		require.Len(t, second, 1)
		require.Equal(t, 2, second[0].Attempts)
	})
}
