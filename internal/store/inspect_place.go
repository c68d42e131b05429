package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"skand/aggregate"
	"skand/conversion"
	"skand/skan"
)

// InspectedPlace is the release that an install was counted in.
type InspectedPlace struct {
	ReleaseID   string        `json:"release_id"`
	State       string        `json:"state"` // prepared: it is not in the published store yet
	WindowStart time.Time     `json:"window_start"`
	WindowEnd   time.Time     `json:"window_end"`
	SealedAt    time.Time     `json:"sealed_at"`
	Row         *InspectedRow `json:"row"` // null: not published yet, or see RowMissing
	// RowMissing: by today's aliases of networks it would be in no row of the release.
	RowMissing bool                `json:"row_missing"`
	Redecodes  []InspectedRedecode `json:"redecodes"` // readings of the window by another version
}

// InspectedRow is the published row, and says nothing that the row does not say.
type InspectedRow struct {
	RowID     string `json:"row_id"`
	Level     string `json:"level"`
	NetworkID string `json:"network_id"` // "": several, together
	IDKind    string `json:"id_kind"`
	Source2   string `json:"source_2"`
	Source3   string `json:"source_3"`
	Source4   string `json:"source_4"`
	Installs  int    `json:"installs"` // of the whole row: k at least
}

// InspectedRedecode is a redecode release of the same window.
type InspectedRedecode struct {
	ReleaseID      string    `json:"release_id"`
	State          string    `json:"state"`
	SchemaVersions []int     `json:"schema_versions"`
	SealedAt       time.Time `json:"sealed_at"`
}

const redecodesOfSQL = `
SELECT state, release FROM release_ledger
WHERE app_id = ? AND sequence_index = ? AND kind = ? AND environment = ? AND window_start = ? AND view = ? AND release_kind = 'redecode'
ORDER BY model_version`

type ledgerRow struct {
	State   string `db:"state"`
	Release string `db:"release"`
}

func (l ledgerRow) read() (aggregate.Release, error) {
	var r aggregate.Release
	if err := json.Unmarshal([]byte(l.Release), &r); err != nil {
		return r, fmt.Errorf("read a line of the ledger: %w", err)
	}
	r.State = l.State
	return r, nil
}

func (c *InspectedCounts) dataset(appID int64) aggregate.Dataset {
	return aggregate.Dataset{AppID: appID, SequenceIndex: c.SequenceIndex, Kind: string(c.Kind), Environment: string(c.Environment)}
}

// placeOf reads the release and finds the row.
func (s *Store) placeOf(ctx context.Context, appID int64, c *InspectedCounts, releaseID string) (*InspectedPlace, error) {
	var line ledgerRow
	if err := getRow(ctx, s.main.r, &line, ledgerLineSQL, releaseID); err != nil {
		return nil, fmt.Errorf("read release %s of the ledger: %w", releaseID, err)
	}
	r, err := line.read()
	if err != nil {
		return nil, err
	}
	p := &InspectedPlace{
		ReleaseID: releaseID, State: r.State, WindowStart: r.WindowStart, WindowEnd: r.Window.End, SealedAt: r.SealedAt,
		Redecodes: []InspectedRedecode{},
	}
	var again []ledgerRow
	args := append(key(c.dataset(appID)), ms(r.Window.Start), r.View)
	if err := s.main.r.SelectContext(ctx, &again, s.main.q(redecodesOfSQL), args...); err != nil {
		return nil, fmt.Errorf("list redecodes of %s: %w", releaseID, err)
	}
	for _, l := range again {
		d, err := l.read()
		if err != nil {
			return nil, err
		}
		p.Redecodes = append(p.Redecodes, InspectedRedecode{d.ID, d.State, d.SchemaVersions, d.SealedAt})
	}
	if r.State != aggregate.StatePublished {
		return p, nil
	}
	return p, s.rowOf(ctx, p, r, c)
}

// rowOf finds the row that the install is in. Short forms are those that the window was
// cut with; of aliases there is no history, so they are today's.
func (s *Store) rowOf(ctx context.Context, p *InspectedPlace, r aggregate.Release, c *InspectedCounts) error {
	g := aggregate.Counted{N: 1, NetworkID: strings.ToLower(c.NetworkID), IDKind: c.IDKind, Source: c.SourceID, ShortForm: aggregate.ShortLast}
	err := s.main.in(ctx, func(t *tx) error {
		short, err := shortForms(ctx, t, r.Taken.End)
		if err != nil {
			return err
		}
		networks, err := aliases(ctx, t)
		if err != nil {
			return err
		}
		if network, ok := networks[g.NetworkID]; ok {
			g.NetworkID = network
		}
		if form, ok := short[g.NetworkID]; ok {
			g.ShortForm = form
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := s.readRows(ctx, &r); err != nil {
		return fmt.Errorf("rows of release %s: %w", r.ID, err)
	}
	row, found := aggregate.Placed(r.Rows, r.Settings.Depth, &g)
	if !found {
		p.RowMissing = true
		return nil
	}
	p.Row = &InspectedRow{
		RowID: r.ID + "/" + row.Key(), Level: row.Level, NetworkID: row.NetworkID, IDKind: row.IDKind,
		Source2: row.Source2, Source3: row.Source3, Source4: row.Source4, Installs: row.Installs,
	}
	return nil
}

// Why a counted postback is in no window yet.
const (
	WaitsTest      = "test"        // Apple's mark of a test: never published
	WaitsForDecode = "not_decoded" // the job decode takes it
	WaitsForApp    = "app_unknown" // nobody has described the app
	WaitsForTrust  = "development_not_trusted"
	WaitsForCrowd  = "carried"     // its window was below k
	WaitsForWindow = "window_open" // the window is not over, or is being sealed
)

// InspectedWait is why a counted postback is in no window yet.
type InspectedWait struct {
	Why string `json:"why"`
	// The window that would take it, if there is a crowd by then; null where nothing will
	// as things stand.
	WindowStart *time.Time `json:"window_start"`
	WindowEnd   *time.Time `json:"window_end"`
	CarriedFrom []string   `json:"carried_from"` // releases of windows that were below k
}

const carriedOfSQL = `
SELECT release_id FROM release_ledger
WHERE app_id = ? AND sequence_index = ? AND kind = ? AND environment = ? AND view = ? AND release_kind = 'base'
  AND state = 'carried' AND window_end > ? ORDER BY window_start`

func (s *Store) waitOf(ctx context.Context, appID int64, c *InspectedCounts) (*InspectedWait, error) {
	w := &InspectedWait{CarriedFrom: []string{}}
	err := s.main.in(ctx, func(t *tx) error {
		var known bool
		err := t.GetContext(ctx, &known, t.q(`SELECT trust_development FROM app WHERE app_id = ?`), appID)
		unknown := errors.Is(err, sql.ErrNoRows)
		if err != nil && !unknown {
			return fmt.Errorf("look up app %d: %w", appID, err)
		}
		switch {
		case c.Kind == conversion.KindTest:
			w.Why = WaitsTest
			return nil
		case unknown:
			w.Why = WaitsForApp
			return nil
		case c.Environment == skan.Development && !known:
			w.Why = WaitsForTrust
			return nil
		}
		return s.nextWindow(ctx, t, appID, c, w)
	})
	return w, err
}

// nextWindow tells which window may take a row, and which have left it for the next.
func (s *Store) nextWindow(ctx context.Context, t *tx, appID int64, c *InspectedCounts, w *InspectedWait) error {
	o := aggregate.Open{Dataset: c.dataset(appID)}
	if err := ledgerEnds(ctx, t, &o); err != nil {
		return err
	}
	args := append(key(o.Dataset), aggregate.ViewCohort, ms(c.CountedAt))
	if err := t.SelectContext(ctx, &w.CarriedFrom, t.q(carriedOfSQL), args...); err != nil {
		return fmt.Errorf("carried windows of %s: %w", o.Dataset, err)
	}
	history, err := settingsHistory(ctx, t, appID)
	if err != nil {
		return err
	}
	from := c.CountedAt
	if o.LastEnd.After(from) {
		from = o.LastEnd
	}
	next := aggregate.WindowOf(history, from)
	w.WindowStart, w.WindowEnd = &next.Start, &next.End
	switch {
	case c.Decode == nil:
		w.Why = WaitsForDecode
	case len(w.CarriedFrom) > 0:
		w.Why = WaitsForCrowd
	default:
		w.Why = WaitsForWindow
	}
	return nil
}
