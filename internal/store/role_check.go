package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// serverFunctions tell every role what the whole server does, whatever database it is
// in: how many rows were written to the main one, how far its log and its counter of
// transactions are. Looked at twice they count postbacks as they come. The last ones
// write.
const serverFunctions = `^(pg_stat_get_(db_|database_|wal|bgwriter|checkpointer|buf_|io|slru|archiver|activity|backend_|progress)` +
	`|pg_(current|last)_wal|pg_last_(xact|committed)|pg_current_snapshot|pg_current_xact|txid_(current|snapshot)|mxid_age$` +
	`|pg_tablespace_size|pg_control_|pg_ls_|pg_stat_file|pg_get_wal|pg_show_all_file|pg_prepared_xact|pg_lock_status` +
	`|lo_(creat|create|from_bytea|put|unlink|truncate|truncate64)$|lowrite$)`

// aboutServer picks them; the age of a transaction is one only by its type.
const aboutServer = ` p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f'
  AND (p.proname ~ '` + serverFunctions + `' OR p.oid = 'pg_catalog.age(xid)'::regprocedure)`

// hideServer takes these functions, in the published database alone, from everybody
// but those who monitor. Only a superuser may.
func hideServer(ctx context.Context, t *tx, report *ReadersReport) error {
	var functions []string
	err := t.SelectContext(ctx, &functions, `
		SELECT p.oid::regprocedure::text FROM pg_proc p
		WHERE has_function_privilege('public', p.oid, 'EXECUTE') AND `+aboutServer+` ORDER BY 1`)
	if err != nil {
		return fmt.Errorf("list functions about the server: %w", err)
	}
	if len(functions) == 0 {
		return nil
	}
	all := strings.Join(functions, ", ")
	report.Done = append(report.Done, "hid the statistics of the server from readers of the published database")
	return run(ctx, t,
		`GRANT EXECUTE ON FUNCTION `+all+` TO pg_monitor`,
		`REVOKE EXECUTE ON FUNCTION `+all+` FROM PUBLIC`,
	)
}

// readersMaySQL is what a role may do beyond reading schema bi, a line each.
const readersMaySQL = `
SELECT 'be a superuser' WHERE (SELECT rolsuper FROM pg_roles WHERE rolname = $1)
UNION ALL SELECT 'create databases, roles or replicas, or pass by row security'
  WHERE (SELECT rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls FROM pg_roles WHERE rolname = $1)
UNION ALL SELECT 'act as ' || g.rolname FROM pg_roles g
  WHERE pg_has_role($1, g.oid, 'MEMBER') AND g.rolname <> $1 AND g.rolname <> $2
    AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = $1)
UNION ALL SELECT 'make temporary tables in ' || current_database() WHERE has_database_privilege($1, current_database(), 'TEMPORARY')
UNION ALL SELECT 'create schemas in ' || current_database() WHERE has_database_privilege($1, current_database(), 'CREATE')
UNION ALL SELECT 'create in schema ' || nspname FROM pg_namespace
  WHERE nspname NOT LIKE 'pg\_%' AND has_schema_privilege($1, oid, 'CREATE')
UNION ALL SELECT 'read or write ' || c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\_%'
    AND (has_table_privilege($1, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
      OR n.nspname <> 'bi' AND has_table_privilege($1, c.oid, 'SELECT'))`

const readersMayNotSQL = `
SELECT 'connect to ' || current_database() WHERE NOT has_database_privilege($1, current_database(), 'CONNECT')
UNION ALL SELECT 'read ' || c.oid::regclass FROM pg_class c
  WHERE c.relnamespace = 'bi'::regnamespace AND c.relkind IN ('r', 'v') AND NOT has_table_privilege($1, c.oid, 'SELECT')`

// checkReaders asks the database what the roles may do, as a grant by hand, or one
// that the role of the store could not take back, would show nowhere else.
func (s *Store) checkReaders(ctx context.Context, r Readers, super bool, report *ReadersReport) error {
	var faults []error
	for _, name := range []string{r.Role, r.Login} {
		if name == "" {
			continue
		}
		more, err := s.askReader(ctx, s.pub, readersMaySQL, name, r.Role)
		if err != nil {
			return err
		}
		less, err := s.askReader(ctx, s.pub, readersMayNotSQL, name)
		if err != nil {
			return err
		}
		if s.main.dialect == postgres {
			main, err := s.mainOpenTo(ctx, name)
			if err != nil {
				return err
			}
			more = append(more, main...)
		}
		if len(more) > 0 {
			faults = append(faults, fmt.Errorf("role %s may do more than read: %s; take it back, as the owner or a superuser", name, strings.Join(more, ", ")))
		}
		if len(less) > 0 {
			faults = append(faults, fmt.Errorf("role %s may not %s; run this as the owner of the published database", name, strings.Join(less, ", ")))
		}
	}
	if len(faults) > 0 {
		return errors.Join(faults...)
	}
	return s.stillOpen(ctx, r, super, report)
}

func (s *Store) askReader(ctx context.Context, d *db, text string, args ...any) ([]string, error) {
	var lines []string
	if err := d.r.SelectContext(ctx, &lines, text, args...); err != nil {
		return nil, fmt.Errorf("ask what role %v may do: %w", args[0], err)
	}
	return lines, nil
}

// mainOpenTo: on another server than the published one there is no such role, and
// what is asked is what everybody may.
func (s *Store) mainOpenTo(ctx context.Context, name string) ([]string, error) {
	const text = `SELECT 'connect to ' || current_database() WHERE has_database_privilege(
		CASE WHEN EXISTS (SELECT 1 FROM pg_roles WHERE rolname = $1) THEN $1 ELSE 'public' END, current_database(), 'CONNECT')`
	return s.askReader(ctx, s.main, text, name)
}

// stillOpen lists what a reader can see of the server, and who could close it.
func (s *Store) stillOpen(ctx context.Context, r Readers, super bool, report *ReadersReport) error {
	others, err := s.askReader(ctx, s.pub, `
		SELECT datname FROM pg_database
		WHERE datallowconn AND datname <> current_database() AND has_database_privilege($1, oid, 'CONNECT') ORDER BY 1`, r.Role)
	if err != nil {
		return err
	}
	if len(others) > 0 {
		report.Open = append(report.Open, fmt.Sprintf(
			"%s may also connect to %s, by the right of everybody, and see there how busy the server is: let its logins into the published database only, in pg_hba.conf",
			r.Role, strings.Join(others, ", ")))
	}
	hidden, err := s.askReader(ctx, s.pub, `
		SELECT p.proname FROM pg_proc p WHERE has_function_privilege($1, p.oid, 'EXECUTE') AND `+aboutServer, r.Role)
	if err != nil {
		return err
	}
	if len(hidden) > 0 && !super {
		report.Open = append(report.Open,
			"readers can see how many rows the whole server writes: run this once as a superuser, or keep the published database on a server of its own (--published)")
	}
	return nil
}
