package store

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/forward"
	"skand/internal/vault"
)

// raw is what the tables of the outbox hold of one delivery.
type raw struct {
	Fields  string  `db:"fields"`
	Key     string  `db:"dedup_key"`
	Subject *string `db:"subject"`
	Answer  *string `db:"answer"`
}

func rawRows(t *testing.T, s *Store) []raw {
	t.Helper()
	var rows []raw
	require.NoError(t, s.main.r.SelectContext(t.Context(), &rows, `SELECT o.fields, o.dedup_key, o.subject, a.answer
		FROM outbox o LEFT JOIN delivery_attempt a ON a.app_id = o.app_id AND a.delivery_id = o.id ORDER BY o.id, a.attempt`))
	return rows
}

func TestOutboxIsSealed(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		deliver(t, q.s, 2)
		for _, d := range q.claim(2) {
			require.NoError(t, settleOnce(t.Context(), q.s, forward.Settlement{
				Attempt: forward.Attempt{DeliveryID: d.ID, AppID: 1, Attempt: 1, At: q.now.Now(), Class: forward.ClassRetry,
					Status: 503, Reason: "why", Answer: "you sent " + d.Fields["idfa"], TemplateVersion: 2},
				DestinationID: "d", Fence: d.Fence, State: forward.StatePending, DueAt: q.now.Now().Add(time.Minute),
			}))
			require.Equal(t, "you sent "+d.Fields["idfa"], q.one(d.ID).Log[0].Answer, "lists show it as before")
			require.NotContains(t, q.one(d.ID).DedupKey, "own-id", "and the key no more")
		}
		rows := rawRows(t, q.s)
		require.Len(t, rows, 2)
		for _, r := range rows {
			require.True(t, vault.Sealed(r.Fields))
			require.True(t, vault.Sealed(*r.Answer))
			require.Equal(t, "install/"+*r.Subject, r.Key)
			text, err := json.Marshal(r)
			require.NoError(t, err)
			require.NotContains(t, string(text), "own-id")
		}
		deliver(t, q.s, 2)
		require.Len(t, rawRows(t, q.s), 2, "the hashed key still keeps doubles out")
	})
}

// A store of an earlier version, in clear, is sealed as it is opened; and nothing
// that was delivered is enqueued again under its new key.
func TestOldOutboxIsSealed(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		deliver(t, q.s, 1200)
		ctx := t.Context()
		before := func(text string, args ...any) {
			_, err := q.s.main.w.ExecContext(ctx, q.s.main.q(text), args...)
			require.NoError(t, err)
		}
		var ids []string
		require.NoError(t, q.s.main.r.SelectContext(ctx, &ids, `SELECT id FROM outbox ORDER BY id`))
		require.Len(t, ids, 1200)
		require.NoError(t, q.s.main.in(ctx, func(x *tx) error {
			for i, key := range []string{"install/own-id-0", "event/own-event", "row/purchase/0"} {
				kind := []string{forward.KindInstall, forward.KindEvent, forward.KindModeled}[i]
				_, err := x.ExecContext(ctx, x.q(`UPDATE outbox SET dedup_key = ?, kind = ?, subject = NULL, fields = '{"idfa":"AD-own-id-0"}' WHERE id = ?`),
					key, kind, ids[i])
				require.NoError(t, err)
				_, err = x.ExecContext(ctx, x.q(`INSERT INTO delivery_attempt (app_id, delivery_id, attempt, attempted_at, duration_ms, class,
					status, reason, answer, template_version) VALUES (1, ?, 1, 0, 0, 'ok', 200, '', ?, 1)`), ids[i], "old answer of AD-own-id-0")
				require.NoError(t, err)
			}
			return nil
		}))
		before(`UPDATE outbox SET fields = '{"idfa":"AD-own-id-0"}', dedup_key = 'install/own-id-' || id, subject = NULL WHERE subject IS NOT NULL`)
		before(`INSERT INTO event (app_id, id, install_id, name, happened_at, received_at, revenue, currency, flags, body)
			VALUES (1, ?, 'its-install', 'purchase', 0, 0, NULL, '', '', '')`, q.s.vault.Hash(vault.Event, "own-event"))

		got, err := q.s.Claim(ctx, "d", 1, q.now.Now(), time.Minute)
		require.NoError(t, err)
		require.Equal(t, "AD-own-id-0", got[0].Fields["idfa"], "plain rows are read, too")
		require.NoError(t, q.s.Release(ctx, got, q.now.Now()))

		before(`DELETE FROM store_meta WHERE name = ?`, metaDeliveriesSealed)
		require.NoError(t, q.s.sealOldDeliveries(ctx))
		rows := rawRows(t, q.s)
		require.Len(t, rows, 1200)
		for i, r := range rows {
			require.True(t, vault.Sealed(r.Fields))
			require.Equal(t, i == 2, r.Subject == nil, "a release is nobody's")
			require.Equal(t, i == 2, !strings.HasPrefix(r.Key, "install/") && !strings.HasPrefix(r.Key, "event/"))
			require.NotContains(t, r.Key, "own-")
			if i < 3 {
				require.True(t, vault.Sealed(*r.Answer))
				require.Equal(t, "old answer of AD-own-id-0", q.one(ids[i]).Log[0].Answer)
			}
		}
		require.Equal(t, q.s.vault.Hash(vault.Install, "own-id-0"), *rows[0].Subject)
		require.Equal(t, "its-install", *rows[1].Subject, "known by its event")
		require.Len(t, q.claim(2000), 1200)
	})
}

// Retention empties fields; such a delivery is still listed and can be claimed.
func TestEmptiedFields(t *testing.T) {
	eachQueue(t, func(t *testing.T, q queue) {
		deliver(t, q.s, 1)
		_, err := q.s.main.w.ExecContext(t.Context(), `UPDATE outbox SET fields = ''`)
		require.NoError(t, err)
		require.Empty(t, q.claim(1)[0].Fields)
	})
}
