package store

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"skand/aggregate"
)

// CohortPlace is where a page of published rows ended.
type CohortPlace struct {
	AppID       int64
	WindowStart time.Time
	ReleaseID   string
	RowID       string
}

// PlaceOf is the place of a row of CohortTable.
func PlaceOf(row []any) CohortPlace {
	var p CohortPlace
	p.ReleaseID, _ = row[0].(string) // what CohortTable says, and no column of the key is NULL
	p.RowID, _ = row[1].(string)
	p.AppID, _ = row[2].(int64)
	start, _ := row[6].(Stamp)
	p.WindowStart = time.Time(start)
	return p
}

// String is the place as a cursor: letters, digits, - and _, as row ids hold what
// has to be escaped in a URL.
func (p CohortPlace) String() string {
	text := fmt.Sprintf("%d|%s|%s|%s", p.AppID, Stamp(p.WindowStart), p.ReleaseID, p.RowID)
	return base64.RawURLEncoding.EncodeToString([]byte(text))
}

// ParseCohortPlace reads a cursor; it returns ErrCursor for what no page gave.
func ParseCohortPlace(cursor string) (*CohortPlace, error) {
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || !fitsText(string(text)) {
		return nil, ErrCursor
	}
	parts := strings.SplitN(string(text), "|", 4)
	if len(parts) != 4 {
		return nil, ErrCursor
	}
	app, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil {
		return nil, ErrCursor
	}
	when, err := time.Parse(time.RFC3339, parts[1])
	if err != nil {
		return nil, ErrCursor
	}
	return &CohortPlace{AppID: app, WindowStart: when.UTC(), ReleaseID: parts[2], RowID: parts[3]}, nil
}

// Releases streams the lines of the public ledger that the look's rows are from, in
// their order. after and upto, where given, are the places of the last rows of the
// page before and of this one: a release that both pages have rows of is in both.
func (l *CohortLook) Releases(ctx context.Context, after, upto *CohortPlace, each func(*Release) error) error {
	w := l.f.whereRelease(l.d)
	w.decodedLast(l.d, l.f.AppID)
	w.and(`kind <> '` + aggregate.ReleaseModel + `'`) // no row of cohort is of one
	place := `(app_id, window_start, ` + l.d.byBytes("release_id") + `)`
	if after != nil {
		w.and(place+` >= (?, ?, ?)`, after.AppID, l.d.stamp(after.WindowStart), after.ReleaseID)
	}
	if upto != nil {
		w.and(place+` <= (?, ?, ?)`, upto.AppID, l.d.stamp(upto.WindowStart), upto.ReleaseID)
	}
	text := `SELECT ` + releaseColumns + ` FROM ` + l.d.table("release") + w.String() +
		` ORDER BY app_id, window_start, ` + l.d.byBytes("release_id")
	return l.releases(ctx, text, w.args, each)
}

const releaseColumns = `release_id, app_id, dataset, kind, window_start, window_end, k, b, schema_versions, model_version, lab, sealed_at`
