package store

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/lib/pq"
)

// Readers are the PostgreSQL roles of BI tools.
type Readers struct {
	Role string // the group role that holds the rights, NOLOGIN
	// Login is a role in the group that may log in; "": none. Password is what it
	// logs in with; "" leaves that of an existing role as it is.
	Login, Password string
}

// ReadersReport says what was done, and what a database administrator still has to
// do, a line each.
type ReadersReport struct{ Done, Open []string }

// ErrMayNotGrant is returned when the role of the store may not make roles.
var ErrMayNotGrant = errors.New("this role may not create roles")

var roleName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

// Validate names what is wrong with the names.
func (r Readers) Validate() error {
	names := []string{r.Role}
	if r.Login != "" {
		names = append(names, r.Login)
	}
	for _, name := range names {
		if !roleName.MatchString(name) || strings.HasPrefix(name, "pg_") || name == "public" || name == "none" {
			return fmt.Errorf("role %q: use lower-case letters, digits and _, not beginning with a digit or pg_", name)
		}
	}
	if r.Login != "" && r.Login == r.Role {
		return fmt.Errorf("role %q: the login needs a name of its own", r.Login)
	}
	return nil
}

// GrantReaders makes the roles where they are missing, lets them read the schema bi
// of the published database and nothing else, and takes from everybody what would let
// them do more: TEMP and CREATE in the published database, CONNECT to the main one
// (roles that hold a right on its tables keep theirs). Then it asks the database what
// the roles may really do; anything beyond reading is an error. Repeating it changes
// nothing. On SQLite, where files have no roles, it does nothing.
func (s *Store) GrantReaders(ctx context.Context, r Readers) (ReadersReport, error) {
	var report ReadersReport
	if err := r.Validate(); err != nil || s.pub.dialect != postgres {
		return report, err
	}
	super := false
	err := s.pub.in(ctx, func(t *tx) error {
		var err error
		if super, err = makeReaders(ctx, t, r, &report); err != nil {
			return err
		}
		if err := grantPublished(ctx, t, r, &report); err != nil {
			return err
		}
		if super {
			return hideServer(ctx, t, &report)
		}
		return nil
	})
	if err != nil {
		return report, fmt.Errorf("grant to role %s: %w", r.Role, err)
	}
	if s.main.dialect == postgres {
		if err := closeMain(ctx, s.main, r, &report); err != nil {
			return report, err
		}
	}
	return report, s.checkReaders(ctx, r, super, &report)
}

func run(ctx context.Context, t *tx, statements ...string) error {
	for _, text := range statements {
		if _, err := t.ExecContext(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

// makeReaders creates the roles; super reports whether it does so as a superuser.
func makeReaders(ctx context.Context, t *tx, r Readers, report *ReadersReport) (super bool, err error) {
	var may bool
	row := t.QueryRowxContext(ctx, `SELECT rolsuper, rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user`)
	if err := row.Scan(&super, &may); err != nil {
		return false, err
	}
	role := pq.QuoteIdentifier(r.Role)
	known, err := hasRole(ctx, t, r.Role)
	if err != nil {
		return false, err
	}
	if !known {
		if !may {
			return false, ErrMayNotGrant
		}
		if err := run(ctx, t, `CREATE ROLE `+role+` NOLOGIN`); err != nil {
			return false, err
		}
		report.Done = append(report.Done, "made role "+r.Role)
	}
	if r.Login == "" {
		return super, nil
	}
	login := pq.QuoteIdentifier(r.Login)
	if known, err = hasRole(ctx, t, r.Login); err != nil {
		return false, err
	}
	switch {
	case !known && !may:
		return false, ErrMayNotGrant
	case !known && r.Password == "":
		return false, fmt.Errorf("login %s is new and needs a password", r.Login)
	case !known:
		if err := run(ctx, t, `CREATE ROLE `+login+` LOGIN`); err != nil {
			return false, err
		}
		report.Done = append(report.Done, "made login "+r.Login)
	}
	if r.Password != "" {
		secret, err := scramSecret(r.Password)
		if err != nil {
			return false, err
		}
		// Not the password: statements end up in logs and statistics.
		if err := run(ctx, t, `ALTER ROLE `+login+` PASSWORD `+pq.QuoteLiteral(secret)); err != nil {
			return false, err
		}
		report.Done = append(report.Done, "set the password of "+r.Login)
	}
	return super, run(ctx, t, `GRANT `+role+` TO `+login)
}

func hasRole(ctx context.Context, t *tx, name string) (bool, error) {
	var is bool
	err := t.GetContext(ctx, &is, `SELECT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = $1)`, name)
	return is, err
}

func grantPublished(ctx context.Context, t *tx, r Readers, report *ReadersReport) error {
	var name string
	if err := t.GetContext(ctx, &name, `SELECT current_database()`); err != nil {
		return err
	}
	role, database := pq.QuoteIdentifier(r.Role), pq.QuoteIdentifier(name)
	err := run(ctx, t,
		`REVOKE TEMPORARY, CREATE ON DATABASE `+database+` FROM PUBLIC`,
		`REVOKE CREATE ON SCHEMA public FROM PUBLIC`, // before PostgreSQL 15 everybody had it
		`GRANT CONNECT ON DATABASE `+database+` TO `+role,
		`GRANT USAGE ON SCHEMA bi TO `+role,
		`GRANT SELECT ON ALL TABLES IN SCHEMA bi TO `+role,
		`ALTER DEFAULT PRIVILEGES IN SCHEMA bi GRANT SELECT ON TABLES TO `+role,
	)
	if err != nil {
		return err
	}
	report.Done = append(report.Done, fmt.Sprintf("%s may read schema bi of %s", r.Role, name))
	if r.Login == "" {
		return nil
	}
	return run(ctx, t, `ALTER ROLE `+pq.QuoteIdentifier(r.Login)+` IN DATABASE `+database+` SET search_path = bi`)
}

// keepSQL finds who reads or writes the main database by a right of its own, and so
// has to be able to connect without the one of everybody.
const keepSQL = `
SELECT DISTINCT g.rolname FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname NOT IN ('pg_catalog', 'information_schema')
CROSS JOIN LATERAL aclexplode(c.relacl) a
JOIN pg_roles g ON g.oid = a.grantee
WHERE g.rolname <> $1 AND g.rolname <> $2 AND NOT g.rolsuper
  AND g.oid <> (SELECT datdba FROM pg_database WHERE datname = current_database()) ORDER BY 1`

func closeMain(ctx context.Context, main *db, r Readers, report *ReadersReport) error {
	return main.in(ctx, func(t *tx) error {
		var name string
		if err := t.GetContext(ctx, &name, `SELECT current_database()`); err != nil {
			return fmt.Errorf("close the main database: %w", err)
		}
		var keep []string
		if err := t.SelectContext(ctx, &keep, keepSQL, r.Role, r.Login); err != nil {
			return fmt.Errorf("close the main database: %w", err)
		}
		database := pq.QuoteIdentifier(name)
		for _, role := range keep {
			if err := run(ctx, t, `GRANT CONNECT ON DATABASE `+database+` TO `+pq.QuoteIdentifier(role)); err != nil {
				return fmt.Errorf("let %s keep connecting to %s: %w", role, name, err)
			}
		}
		if err := run(ctx, t, `REVOKE CONNECT, TEMPORARY ON DATABASE `+database+` FROM PUBLIC`); err != nil {
			return fmt.Errorf("close the main database: %w", err)
		}
		line := fmt.Sprintf("only its owner may connect to %s", name)
		if len(keep) > 0 {
			line += ", and " + strings.Join(keep, ", ")
		}
		report.Done = append(report.Done, line)
		return nil
	})
}
