package store

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReadersValidate(t *testing.T) {
	t.Parallel()
	for _, r := range []Readers{{}, {Role: "pg_x"}, {Role: "public"}, {Role: "A"}, {Role: `a"b`}, {Role: "1a"}, {Role: "a", Login: "a"}, {Role: "a", Login: "B"}, {Role: strings.Repeat("a", 64)}} {
		require.Error(t, r.Validate(), "%+v", r)
	}
	for _, r := range []Readers{{Role: "skand_bi"}, {Role: "_a1", Login: "metabase"}} {
		require.NoError(t, r.Validate(), "%+v", r)
	}
}

func TestGrantReadersOnSQLiteDoesNothing(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), Options{Main: "sqlite:" + t.TempDir(), Lab: Lab})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	report, err := s.GrantReaders(t.Context(), Readers{Role: "skand_bi"})
	require.NoError(t, err)
	require.Zero(t, report)
}

func TestGrantReaders(t *testing.T) {
	onGranting(t, func(t *testing.T, g granting) {
		report := strings.Join(g.grant().Done, "\n")
		require.Contains(t, report, "made role "+g.readers.Role)
		require.Contains(t, report, "made login "+g.readers.Login)
		require.Contains(t, report, "only its owner may connect to ")
		require.NotContains(t, report, readerPassword)
		bi := g.as(g.published, g.readers.Login)
		for table := range publishedColumns(t, g.s.pub) {
			require.GreaterOrEqual(t, count(t, bi, `SELECT COUNT(*) FROM bi.`+table), int64(0))
		}
		require.Positive(t, count(t, bi, `SELECT COUNT(*) FROM data_dictionary`), "its search path is bi")
		// Again, without a password: the login keeps its own.
		g.readers.Password = ""
		again := g.grant()
		require.NotContains(t, strings.Join(again.Done, "\n"), "made")
		require.NotContains(t, strings.Join(again.Done, "\n"), "password")
		require.NotContains(t, strings.Join(again.Done, "\n"), "hid the statistics", "they are hidden already")
		require.NoError(t, g.as(g.published, g.readers.Login).PingContext(t.Context()))
		// Tables of versions to come.
		g.super(g.s.pub, `CREATE TABLE bi.later (n INTEGER)`)
		require.Zero(t, count(t, bi, `SELECT COUNT(*) FROM later`))
	})
}

func TestGrantReadersNewLoginNeedsPassword(t *testing.T) {
	onGranting(t, func(t *testing.T, g granting) {
		for password, want := range map[string]string{"": "needs a password", "short": "too short", "no-ünicode-here": "ASCII"} {
			g.readers.Password = password
			_, err := g.s.GrantReaders(t.Context(), g.readers)
			require.ErrorContains(t, err, want)
		}
		require.Equal(t, "0", g.dump(`SELECT COUNT(*) FROM pg_roles WHERE rolname IN (?, ?)`, g.readers.Role, g.readers.Login)[0], "all or nothing")
	})
}

// TestGrantReadersFindsMore: what somebody granted by hand is found and named.
func TestGrantReadersFindsMore(t *testing.T) {
	onGranting(t, func(t *testing.T, g granting) {
		g.grant()
		role := g.readers.Role
		main := dump(t, g.s.main, `SELECT current_database()`)[0]
		for _, c := range []struct {
			on               *db
			give, take, want string
		}{
			{g.s.pub, `GRANT pg_read_all_data TO ` + role, `REVOKE pg_read_all_data FROM ` + role, "act as pg_read_all_data"},
			{g.s.pub, `GRANT INSERT ON bi.cohort TO ` + role, `REVOKE INSERT ON bi.cohort FROM ` + role, "read or write bi.cohort"},
			{g.s.pub, `GRANT SELECT ON public.goose_db_version TO ` + role, `REVOKE SELECT ON public.goose_db_version FROM ` + role, "goose_db_version"},
			{g.s.pub, `GRANT CREATE ON SCHEMA bi TO ` + role, `REVOKE CREATE ON SCHEMA bi FROM ` + role, "create in schema bi"},
			{g.s.main, `GRANT CONNECT ON DATABASE ` + main + ` TO ` + role, `REVOKE CONNECT ON DATABASE ` + main + ` FROM ` + role, "connect to " + main},
			{g.s.main, `ALTER ROLE ` + role + ` CREATEDB`, `ALTER ROLE ` + role + ` NOCREATEDB`, "create databases, roles or replicas"},
			{g.s.main, `ALTER ROLE ` + g.readers.Login + ` SUPERUSER`, `ALTER ROLE ` + g.readers.Login + ` NOSUPERUSER`, "be a superuser"},
		} {
			g.super(c.on, c.give)
			_, err := g.s.GrantReaders(t.Context(), g.readers)
			require.ErrorContains(t, err, "may do more than read: ", c.give)
			require.ErrorContains(t, err, c.want, c.give)
			g.super(c.on, c.take)
			g.grant()
		}
	})
}

// TestGrantReadersKeepsServices: roles that work on the main database by a right of
// their own may still connect; those that had nothing but the right of everybody don't.
func TestGrantReadersKeepsServices(t *testing.T) {
	onGranting(t, func(t *testing.T, g granting) {
		name := strings.TrimPrefix(g.readers.Role, "bi_")
		service, stranger := "service_"+name, "stranger_"+name
		g.drop(service, stranger)
		for _, role := range []string{service, stranger} {
			g.super(g.s.main, `CREATE ROLE `+role+` LOGIN PASSWORD '`+readerPassword+`'`)
		}
		g.super(g.s.main, `GRANT SELECT ON postback TO `+service)
		require.NoError(t, g.as(g.main, stranger).PingContext(t.Context()), "as a new database is")
		report := g.grant()
		require.Contains(t, strings.Join(report.Done, "\n"), ", and "+service)
		require.NoError(t, g.as(g.main, service).PingContext(t.Context()))
		require.ErrorContains(t, g.as(g.main, stranger).PingContext(t.Context()), "permission denied for database")
	})
}

// TestGrantReadersAsOwner: the owner of both databases who is nobody else.
func TestGrantReadersAsOwner(t *testing.T) {
	onGranting(t, func(t *testing.T, g granting) {
		owner := "owner_" + strings.TrimPrefix(g.readers.Role, "bi_")
		g.drop(owner)
		g.super(g.s.main, `CREATE ROLE `+owner+` LOGIN PASSWORD '`+readerPassword+`'`)
		made := map[*db]string{}
		for d, location := range map[*db]string{g.s.main: g.main, g.s.pub: g.published} {
			u, err := url.Parse(location)
			require.NoError(t, err)
			name := "own_" + dump(t, d, `SELECT current_database()`)[0]
			g.super(d, `CREATE DATABASE `+name+` OWNER `+owner)
			t.Cleanup(func() {
				_, err := d.w.Exec(`DROP DATABASE ` + name + ` WITH (FORCE)`)
				require.NoError(t, err)
			})
			u.Path, u.User = name, url.UserPassword(owner, readerPassword)
			made[d] = u.String()
		}
		s, err := Open(t.Context(), Options{Main: made[g.s.main], Published: made[g.s.pub], Lab: Lab})
		require.NoError(t, err)
		defer func() { require.NoError(t, s.Close()) }()
		_, err = s.GrantReaders(t.Context(), g.readers)
		require.ErrorIs(t, err, ErrMayNotGrant)
		g.super(g.s.main, `CREATE ROLE `+g.readers.Role+` NOLOGIN`)
		g.readers.Login = ""
		report, err := s.GrantReaders(t.Context(), g.readers)
		require.NoError(t, err)
		require.Contains(t, strings.Join(report.Open, "\n"), "run this once as a superuser")
		require.Contains(t, strings.Join(report.Open, "\n"), "may also connect to ")
		super, err := Open(t.Context(), Options{
			Main:      strings.Replace(g.main, "/"+g.databaseOf(g.main), "/own_"+g.databaseOf(g.main), 1),
			Published: strings.Replace(g.published, "/"+g.databaseOf(g.published), "/own_"+g.databaseOf(g.published), 1), Lab: Lab,
		})
		require.NoError(t, err)
		defer func() { require.NoError(t, super.Close()) }()
		_, err = super.GrantReaders(t.Context(), g.readers)
		require.NoError(t, err)
		report, err = s.GrantReaders(t.Context(), g.readers)
		require.NoError(t, err)
		require.NotContains(t, strings.Join(report.Open, "\n"), "superuser", "done once it stays done")
	})
}

func (g granting) databaseOf(location string) string {
	u, err := url.Parse(location)
	require.NoError(g.t, err)
	return strings.TrimPrefix(u.Path, "/")
}

// TestScramSecret against the example of RFC 7677.
func TestScramSecret(t *testing.T) {
	t.Parallel()
	secret, err := scramWith("pencil", []byte("[m\x99h\x9d\x125\x8e\xec\xa0K\x14\x126\xfa\x81"))
	require.NoError(t, err)
	require.Equal(t, "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=", secret)
	a, err := scramSecret(readerPassword)
	require.NoError(t, err)
	b, err := scramSecret(readerPassword)
	require.NoError(t, err)
	require.NotEqual(t, a, b, "a salt of its own")
}
