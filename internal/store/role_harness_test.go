package store

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"

	"skand/internal/clock"
)

const readerPassword = "correct horse battery staple"

// granting is a store on PostgreSQL with names for roles of its own: roles belong to
// the server, and tests share it.
type granting struct {
	inbox
	main, published string // URLs as a superuser
	readers         Readers
}

func onGranting(t *testing.T, test func(t *testing.T, g granting)) {
	t.Helper()
	t.Parallel()
	main, published := migratedPostgres(t)
	g := granting{main: main, published: published}
	runOn(t, g.main, g.published, func(t *testing.T, s *Store, now *clock.Movable) {
		g.inbox = newInbox(t, s, now)
		name := strings.ToLower(dump(t, s.pub, `SELECT current_database()`)[0])
		g.readers = Readers{Role: "bi_" + name, Login: "login_" + name, Password: readerPassword}
		g.drop(g.readers.Login, g.readers.Role)
		test(t, g)
	})
}

// drop takes roles away at the end, with their rights in both databases.
func (g granting) drop(roles ...string) {
	g.t.Cleanup(func() {
		for _, role := range roles {
			var there bool // the test's context has ended
			require.NoError(g.t, g.s.main.w.Get(&there, `SELECT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = $1)`, role))
			if !there {
				continue
			}
			for _, d := range []*db{g.s.pub, g.s.main} {
				_, err := d.w.Exec(`DROP OWNED BY "` + role + `"`)
				require.NoError(g.t, err)
			}
			_, err := g.s.main.w.Exec(`DROP ROLE "` + role + `"`)
			require.NoError(g.t, err)
		}
	})
}

func (g granting) grant() ReadersReport {
	g.t.Helper()
	report, err := g.s.GrantReaders(g.t.Context(), g.readers)
	require.NoError(g.t, err)
	return report
}

// super runs a statement as the superuser.
func (g granting) super(d *db, text string) {
	g.t.Helper()
	_, err := d.w.ExecContext(g.t.Context(), text)
	require.NoError(g.t, err)
}

// as connects to a database as another role.
func (g granting) as(location, role string) *sqlx.DB {
	g.t.Helper()
	u, err := url.Parse(location)
	require.NoError(g.t, err)
	u.User = url.UserPassword(role, readerPassword)
	pool, err := sqlx.Open(string(postgres), u.String())
	require.NoError(g.t, err)
	g.t.Cleanup(func() { require.NoError(g.t, pool.Close()) })
	pool.SetConnMaxLifetime(time.Minute)
	return pool
}

func refused(t *testing.T, d *sqlx.DB, text, want string) {
	t.Helper()
	_, err := d.ExecContext(t.Context(), text)
	require.ErrorContains(t, err, want, text)
}

func count(t *testing.T, d *sqlx.DB, text string, args ...any) (n int64) {
	t.Helper()
	require.NoError(t, d.GetContext(t.Context(), &n, d.Rebind(text), args...), text)
	return n
}
