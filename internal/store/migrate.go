package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"

	"github.com/jmoiron/sqlx"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations
var migrations embed.FS

// migrate brings one database to the newest version: forward only, each file in
// its own transaction; several processes wait for each other on PostgreSQL.
func migrate(ctx context.Context, d *db, set string) ([]string, error) {
	dir, err := fs.Sub(migrations, "migrations/"+set)
	if err != nil {
		return nil, fmt.Errorf("migrations of %s: %w", set, err)
	}
	kind := goose.DialectSQLite3
	opts := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	if d.dialect == postgres {
		kind = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return nil, fmt.Errorf("migration lock: %w", err)
		}
		opts = append(opts, goose.WithSessionLocker(locker))
	}
	p, err := goose.NewProvider(kind, d.w.DB, dir, opts...)
	if err != nil {
		return nil, fmt.Errorf("read migrations of %s: %w", set, err)
	}
	done, err := p.Up(ctx)
	if err != nil {
		return nil, fmt.Errorf("migrate %s: %w", set, err)
	}
	names := make([]string, 0, len(done))
	for _, m := range done {
		names = append(names, m.Source.Path)
	}
	return names, nil
}

// PublishedBeside gives the default place of the published store: another file
// in the same folder, or the database NAME_published on the same server.
func PublishedBeside(main string) string {
	if strings.HasPrefix(main, "sqlite:") {
		return main
	}
	u, err := url.Parse(main)
	if err != nil {
		return main
	}
	u.Path += "_published"
	return u.String()
}

// ensureDatabase makes the published PostgreSQL database where it is missing and
// the role may. Databases hold no parameters, so the name is quoted by hand.
func ensureDatabase(ctx context.Context, main *db, published string) error {
	u, err := parseURL(published)
	if err != nil {
		return fmt.Errorf("published store: %w", err)
	}
	name := strings.TrimPrefix(u.Path, "/")
	probe, err := sqlx.Open(string(postgres), published)
	if err != nil {
		return fmt.Errorf("published store: %w", err)
	}
	ping := probe.PingContext(ctx)
	if ping == nil {
		return probe.Close()
	}
	cerr := probe.Close()
	if !strings.Contains(ping.Error(), "does not exist") || main.dialect != postgres {
		return errors.Join(fmt.Errorf("reach published store %s: %w", redact(published), ping), cerr)
	}
	_, err = main.w.ExecContext(ctx, `CREATE DATABASE "`+strings.ReplaceAll(name, `"`, `""`)+`"`)
	if err != nil && !strings.Contains(err.Error(), "already exists") {
		return fmt.Errorf("create published database %q (create it by hand, or give --published): %w", name, err)
	}
	return cerr
}
