package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// ErrNoMapping is returned where an app has no published version that has taken
// effect. An app that nobody has named answers the same.
var ErrNoMapping = errors.New("no mapping")

// Mapping is a published version as everybody may know it: not by whom, not why,
// and never before it takes effect.
type Mapping struct {
	Version       int
	EffectiveFrom time.Time
	PublishedAt   time.Time
	Document      []byte    // canonical JSON; nil in a history
	Next          time.Time // when a later version takes effect; zero: none is published
}

// mappingRow is Mapping as it is stored.
type mappingRow struct {
	Version       int    `db:"version"`
	EffectiveFrom int64  `db:"effective_from"`
	PublishedAt   int64  `db:"published_at"`
	Document      string `db:"document"`
	Next          *int64 `db:"next_from"`
}

func (r mappingRow) mapping() Mapping {
	m := Mapping{Version: r.Version, EffectiveFrom: at(r.EffectiveFrom), PublishedAt: at(r.PublishedAt)}
	if r.Document != "" {
		m.Document = []byte(r.Document)
	}
	if r.Next != nil {
		m.Next = at(*r.Next)
	}
	return m
}

// nextFromSQL finds when what is in force will be followed.
const nextFromSQL = `(SELECT MIN(n.effective_from) FROM schema_version n WHERE n.app_id = ? AND n.effective_from > ?) AS next_from`

// ofDescribedSQL leaves out the versions of an app that was deleted: they are kept for
// what was published with them, and are nobody's mapping any more.
const ofDescribedSQL = `
	AND EXISTS (SELECT 1 FROM app WHERE app.app_id = schema_version.app_id)`

// mappingSQL takes the newest version in force; with a version above 0 only that.
const mappingSQL = `SELECT version, effective_from, published_at, document, ` + nextFromSQL + `
	FROM schema_version WHERE app_id = ? AND effective_from <= ? AND (CAST(? AS BIGINT) = 0 OR version = ?)` + ofDescribedSQL + `
	ORDER BY version DESC LIMIT 1`

// Mapping reads the version of an app that is in force at now; version above 0
// asks for that one, provided it has taken effect. Otherwise ErrNoMapping.
func (s *Store) Mapping(ctx context.Context, appID int64, version int, now time.Time) (Mapping, error) {
	var row mappingRow
	err := s.main.r.GetContext(ctx, &row, s.main.q(mappingSQL), appID, ms(now), appID, ms(now), version, version)
	if errors.Is(err, sql.ErrNoRows) {
		return Mapping{}, ErrNoMapping
	}
	if err != nil {
		return Mapping{}, fmt.Errorf("read the mapping of app %d: %w", appID, err)
	}
	return row.mapping(), nil
}

const mappingHistorySQL = `SELECT version, effective_from, published_at, '' AS document, ` + nextFromSQL + `
	FROM schema_version WHERE app_id = ? AND effective_from <= ? AND (CAST(? AS BIGINT) = 0 OR version < ?)` + ofDescribedSQL + `
	ORDER BY version DESC LIMIT ?`

// MappingHistory lists the versions that have taken effect by now, newest first
// and without their documents: below version before, unless that is 0. more says
// that there are older ones than those of this page.
func (s *Store) MappingHistory(ctx context.Context, appID int64, now time.Time, before, limit int) (page []Mapping, more bool, err error) {
	var rows []mappingRow
	err = s.main.r.SelectContext(ctx, &rows, s.main.q(mappingHistorySQL), appID, ms(now), appID, ms(now), before, before, limit+1)
	if err != nil {
		return nil, false, fmt.Errorf("list the mappings of app %d: %w", appID, err)
	}
	if len(rows) > limit {
		rows, more = rows[:limit], true
	}
	page = make([]Mapping, len(rows))
	for i, r := range rows {
		page[i] = r.mapping()
	}
	return page, more, nil
}
