package store

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/internal/apply"
	"skand/internal/clock"
)

// TestRecompute: only when it is asked for does another window, or an install that came
// late, change what is attributed; nothing is sent twice.
func TestRecompute(t *testing.T) {
	eachConsented(t, func(t *testing.T, c consented) {
		same := func(click string) func(*conversion.Install) {
			return func(in *conversion.Install) { in.IDFV, in.ClickID = deviceA, click }
		}
		c.take(clicked("k", -30, nil), installed("second", 2, same("k")), happened("e", "second", 3), installed("first", 1, same("k")),
			clicked("far", -24*8, nil), installed("patient", 0, func(in *conversion.Install) { in.ClickID = "far" }))
		require.Equal(t, "attributed click_id k", c.why("second"))
		require.Equal(t, "organic click_already_used  reused_click_id", c.why("first"))
		require.Equal(t, "organic outside_window  after_window", c.why("patient"))
		before := c.outbox()

		c.describe(apply.AppConsented{}, apply.NetworkConsented{ClickWindow: "20d"})
		ask := conversion.Recompute{AppID: testApp, From: hour(-1), To: hour(3), DryRun: true}
		planned, err := c.s.Recompute(as(t, "ann", "operator"), ask)
		require.NoError(t, err)
		require.Equal(t, 3, planned.Installs)
		lines := []string{}
		for _, ch := range planned.Changed {
			lines = append(lines, fmt.Sprintf("%s: %s -> %s", ch.InstallID, ch.Before.Reason, ch.After.Reason))
		}
		require.Equal(t, []string{
			"patient: outside_window -> click_id", "first: click_already_used -> click_id", "second: click_id -> known_device",
		}, lines)
		require.Equal(t, "attributed click_id k", c.why("second"), "a dry run did nothing")
		require.Equal(t, before, c.outbox())

		ask.DryRun = false
		done, err := c.s.Recompute(as(t, "ann", "operator"), ask)
		require.NoError(t, err)
		require.Equal(t, planned.Changed, done.Changed)
		require.Equal(t, "attributed click_id k", c.why("first"))
		require.Equal(t, "organic known_device  reused_click_id,duplicate", c.why("second"))
		require.Equal(t, []string{c.hash("install", "first")}, c.dump(`SELECT used_by FROM click WHERE id = ?`, c.hash("click", "k")))
		require.Len(t, c.outbox(), len(before)+2, "the two that are won now, to their network")
		done, err = c.s.Recompute(as(t, "ann", "operator"), ask)
		require.NoError(t, err)
		require.Empty(t, done.Changed, "it ends where it stands")
		require.Len(t, c.outbox(), len(before)+2)
		require.Len(t, c.audited(AuditFilter{Action: ActRecompute}), 3)
	})
}

// TestConsentedRetention: each kind goes in its time, and takes along what is its own.
func TestConsentedRetention(t *testing.T) {
	eachConsented(t, func(t *testing.T, c consented) {
		c.describe(apply.AppConsented{ConsentedRetention: "60d"}, apply.NetworkConsented{ClickWindow: "10d"})
		c.take(clicked("used", -1, nil), clicked("idle", -1, nil), installed("i", 0, func(in *conversion.Install) { in.ClickID = "used" }),
			happened("e", "i", 1), happened("orphan", "nobody", 1),
			&conversion.ConsentReport{AppID: testApp, InstallID: "nobody", Time: start, ATTStatus: "denied"})
		c.sql(`UPDATE outbox SET state = 'delivered', settled_at = ? WHERE destination_id = 'own'`, ms(start))
		c.sql(`UPDATE outbox SET state = 'held', settled_at = ? WHERE destination_id = 'all'`, ms(start))
		c.sql(`INSERT INTO delivery_attempt (app_id, delivery_id, attempt, attempted_at, duration_ms, class, status, reason, answer, template_version)
			VALUES (?, 'd', 1, ?, 1, 'ok', 200, '', 'v1.x', 1)`, testApp, ms(start))
		left := func() string {
			return c.dump(`SELECT (SELECT COUNT(*) FROM click), (SELECT COUNT(*) FROM install), (SELECT COUNT(*) FROM event), (SELECT COUNT(*) FROM consent_change),
				(SELECT COUNT(*) FROM outbox WHERE fields <> ''), (SELECT COUNT(*) FROM delivery_attempt WHERE answer <> '')`)[0]
		}
		for _, step := range []struct {
			days int
			want string
		}{{30, "2|1|2|2|4|1"}, {31, "2|1|2|2|2|0"}, {40, "2|1|2|2|2|0"}, {41, "1|1|2|2|2|0"}, {60, "1|1|2|2|2|0"}, {61, "0|0|0|0|2|0"}} {
			c.now.Set(start.AddDate(0, 0, step.days))
			_, err := c.s.Retain(t.Context())
			require.NoError(t, err)
			require.Equal(t, step.want, left(), "after %d days", step.days)
		}
		require.Equal(t, []string{"4"}, c.dump(`SELECT COUNT(*) FROM outbox`), "the lines stay")
		_, _, err := c.s.Deliveries(t.Context(), DeliveryFilter{}, "", 10)
		require.NoError(t, err)
	})
}

// TestConsentedOfBefore: what an earlier version kept in clear is sealed when a store is
// opened, once, and goes on as it was.
func TestConsentedOfBefore(t *testing.T) {
	t.Parallel()
	for name, locate := range map[string]func(*testing.T) (string, string){
		"sqlite":   func(t *testing.T) (string, string) { dir := migratedSQLite(t); return dir, dir },
		"postgres": func(t *testing.T) (string, string) { return migratedPostgres(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			main, published := locate(t)
			runOn(t, main, published, func(t *testing.T, s *Store, now *clock.Movable) {
				c := consented{newInbox(t, s, now), conversion.Intake{Store: s}}
				c.destinations()
				number, exact := "INTEGER", "TEXT"
				if s.main.dialect == postgres {
					number, exact = "BIGINT", "NUMERIC"
				}
				for _, table := range []string{
					`click_before (app_id N, id TEXT, network_id TEXT, clicked_at N, received_at N, interaction TEXT, used_by TEXT, body TEXT)`,
					`install_before (app_id N, id TEXT, installed_at N, received_at N, click_id TEXT, network_id TEXT, decision TEXT, reason TEXT, decided_at N, body TEXT)`,
					`event_before (app_id N, id TEXT, install_id TEXT, name TEXT, happened_at N, received_at N, revenue X, currency TEXT, body TEXT)`,
				} {
					c.sql(`CREATE TABLE ` + strings.NewReplacer(" N,", " "+number+",", " X,", " "+exact+",").Replace(table))
				}
				c.sql(`DELETE FROM store_meta WHERE name = ?`, metaConsentedSealed)
				body := func(id, more string) string {
					return fmt.Sprintf(`{"id":%q,"app_id":%d,"time":"2026-11-01T20:00:00Z"%s}`, id, testApp, more)
				}
				put := func(text string, args ...any) { c.sql(text, append([]any{testApp}, args...)...) }
				for n := range sealBeforeBatch + 1 {
					put(`INSERT INTO click_before VALUES (?, ?, 'example123.skadnetwork', ?, ?, '', NULL, ?)`, fmt.Sprint("k", n), ms(start), ms(start),
						body(fmt.Sprint("k", n), `,"network_id":"Example123.skadnetwork","idfa":"`+deviceA+`","ip":"192.0.2.7","campaign_id":"39"`))
				}
				c.sql(`UPDATE click_before SET used_by = 'i1' WHERE id = 'k1'`)
				more := `,"click_id":"k1","idfa":"` + deviceA + `","idfv":"` + deviceB + `","att_status":"denied"`
				put(`INSERT INTO install_before VALUES (?, 'i1', ?, ?, 'k1', 'example123.skadnetwork', 'attributed', 'click_id', ?, ?)`, ms(start), ms(start), ms(start), body("i1", more))
				put(`INSERT INTO install_before VALUES (?, 'i2', ?, ?, 'later', '', 'organic', 'click_unknown', ?, ?)`, ms(start), ms(start), ms(start), body("i2", `,"click_id":"later"`))
				put(`INSERT INTO event_before VALUES (?, 'e1', 'i1', 'buy', ?, ?, ?, 'USD', ?)`, ms(start), ms(start), "9.99", body("e1", `,"install_id":"i1","name":"buy","revenue":"9.99","currency":"USD"`))

				require.NoError(t, s.sealConsented(t.Context()))
				require.NoError(t, s.sealConsented(t.Context()), "once")
				require.Equal(t, "attributed click_id k1", c.why("i1"))
				v, err := s.ConsentedInstall(t.Context(), testApp, "i1")
				require.NoError(t, err)
				require.Equal(t, "39 click", v.Decision.CampaignID+" "+v.Decision.Interaction)
				require.Empty(t, v.Kept)
				require.Len(t, v.Events, 1)
				require.Equal(t, "9.99", v.Events[0].Revenue.String())
				c.inClear(t, deviceA, deviceB, "192.0.2.7", `"k1"`, `"i1"`)
				ok, err := c.Install(t.Context(), installed("i1", 0, nil))
				require.NoError(t, err)
				require.False(t, ok, "its id is known")
				c.take(clicked("later", -6, nil))
				require.Equal(t, "attributed click_id later", c.why("i2"))
				require.Equal(t, []string{fmt.Sprint(sealBeforeBatch + 2)}, c.dump(`SELECT COUNT(*) FROM click`))
			})
		})
	}
}
