package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"skand/conversion"
	"skand/internal/apply"
	"skand/schema"
)

// ErrNoApp and ErrNoVersion are returned for an app that nobody has described and
// for a version that was never published.
var (
	ErrNoApp     = errors.New("no such app")
	ErrNoVersion = errors.New("no such version")
)

// SameVersion says that the newest version means what was to be published.
type SameVersion struct{ Version int }

func (e *SameVersion) Error() string {
	return fmt.Sprintf("version %d, the newest, means the same; there is nothing to publish", e.Version)
}

// BadEffective says why a version can't take effect when it was to.
type BadEffective struct{ why string }

func (e *BadEffective) Error() string { return e.why }

// InvalidSchema says that a document has errors; none of it was published.
type InvalidSchema struct{ Report schema.Report }

func (e *InvalidSchema) Error() string {
	return fmt.Sprintf("the schema has %d errors; put them right and publish again", len(e.Report.Errors))
}

// Publication is what somebody says when publishing.
type Publication struct {
	EffectiveFrom *time.Time // nil: now
	Why           string
}

// Published is a version with what it does to the postbacks on their way.
type Published struct {
	SchemaVersion
	Effects []conversion.Effect `json:"effects"`
	// Warnings are those of the document; of one that is read again there are none.
	Warnings []schema.Finding `json:"warnings,omitempty"`
}

// newVersion is what publish makes of a document.
type newVersion struct {
	appID          int64
	document       *schema.Document
	from           *time.Time // nil: now
	by             Actor
	action         string
	why, draft     string
	rolledBackFrom int
}

// furthest is how far ahead a version may take effect. It can't be withdrawn and
// nothing can be published before it, so a mistyped year would end all publishing.
const furthest = 90 * 24 * time.Hour

const insertVersionSQL = `
INSERT INTO schema_version (app_id, version, effective_from, published_at, published_by, document, why, from_draft, rolled_back_from)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`

// undecodeSQL lets a first schema decode what was kept without one. Sealed rows
// stay as they are, and so do those of windows that were carried.
const undecodeSQL = `
UPDATE counted_postback SET decoded_at = NULL
WHERE app_id = ? AND schema_version = 0 AND sealed_in IS NULL AND counted_at >= COALESCE((
  SELECT MAX(l.window_end) FROM release_ledger l
  WHERE l.app_id = counted_postback.app_id AND l.sequence_index = counted_postback.sequence_index
    AND l.kind = counted_postback.kind AND l.environment = counted_postback.environment), 0)`

// publish is the one way to a new version, for files, drafts and roll backs. The
// caller holds the app's row, so that two at once get two numbers. Rows that an
// earlier version decoded keep its meaning. It returns a SameVersion or a
// BadEffective where there is nothing to publish, or not then.
func publish(ctx context.Context, t *tx, n newVersion, now time.Time) (Published, error) {
	what := fmt.Sprintf("schema of app %d", n.appID)
	text, err := n.document.Canonical()
	if err != nil {
		return Published{}, fmt.Errorf("%s: %w", what, err)
	}
	versions, err := schemaVersions(ctx, t, n.appID)
	if err != nil {
		return Published{}, err
	}
	from, err := effectiveFrom(versions, n, now)
	if err != nil {
		return Published{}, err
	}
	p := Published{SchemaVersion: SchemaVersion{
		Version: 1, EffectiveFrom: from, PublishedAt: at(ms(now)), PublishedBy: n.by.Who, Why: n.why,
		FromDraft: n.draft, RolledBackFrom: n.rolledBackFrom, Document: json.RawMessage(text),
	}}
	if len(versions) > 0 {
		p.Version = versions[len(versions)-1].Version + 1
	}
	back := sql.NullInt64{Int64: int64(n.rolledBackFrom), Valid: n.rolledBackFrom != 0}
	_, err = t.ExecContext(ctx, t.q(insertVersionSQL), n.appID, p.Version, ms(from), ms(now), n.by.Who, string(text), n.why, n.draft, back)
	if err != nil {
		return Published{}, fmt.Errorf("publish %s: %w", what, err)
	}
	if _, err := t.ExecContext(ctx, t.q(undecodeSQL), n.appID); err != nil {
		return Published{}, fmt.Errorf("decode again with %s: %w", what, err)
	}
	p.Effects = conversion.Effects(versions, conversion.SchemaVersion{
		Version: p.Version, EffectiveFrom: from, Document: n.document,
	})
	told := map[string]any{"effective_from": from, "why": n.why}
	if n.draft != "" {
		told["from_draft"] = n.draft
	}
	if n.rolledBackFrom != 0 {
		told["rolled_back_from"] = n.rolledBackFrom
	}
	return p, audit(ctx, t, n.by, now, act{n.action, n.appID, versionName(p.Version), told})
}

func versionName(n int) string { return "version " + strconv.Itoa(n) }

// effectiveFrom is when the version takes effect. The first may say since when it
// was on the phones, for it binds everything earlier anyway.
func effectiveFrom(versions []conversion.SchemaVersion, n newVersion, now time.Time) (time.Time, error) {
	from := at(ms(now))
	if n.from != nil {
		from = at(ms(*n.from)) // as it is kept
	}
	say := func(format string, args ...any) (time.Time, error) {
		return time.Time{}, &BadEffective{fmt.Sprintf("%s "+format, append([]any{from.Format(time.RFC3339)}, args...)...)}
	}
	if len(versions) > 0 {
		newest := versions[len(versions)-1]
		same, err := sameMeaning(newest.Document, n.document)
		switch {
		case err != nil:
			return time.Time{}, fmt.Errorf("compare with version %d of app %d: %w", newest.Version, n.appID, err)
		case same:
			return time.Time{}, &SameVersion{newest.Version}
		case !from.After(newest.EffectiveFrom):
			return say("is not after version %d, which takes effect at %s; give a later time",
				newest.Version, newest.EffectiveFrom.Format(time.RFC3339))
		case from.Before(at(ms(now))):
			return say("is in the past; postbacks have been decoded since: give now or a later time")
		}
	}
	if from.After(now.Add(furthest)) {
		return say("is more than %d days ahead; nothing else could be published until then: give an earlier time", furthest/(24*time.Hour))
	}
	return from, nil
}

func sameMeaning(x, y *schema.Document) (bool, error) {
	a, err := x.Canonical()
	if err != nil {
		return false, err
	}
	b, err := y.Canonical()
	return compact(a) == compact(b), err
}

// lockApp reads an app as apply described it and holds its row until the
// transaction ends.
func lockApp(ctx context.Context, t *tx, appID int64) (*apply.App, error) {
	return readApp(ctx, t, appID, t.forUpdate())
}

func readApp(ctx context.Context, from reader, appID int64, lock string) (*apply.App, error) {
	var text string
	err := getRow(ctx, from, &text, `SELECT definition FROM app WHERE app_id = ?`+lock, appID)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNoApp
	}
	if err != nil {
		return nil, fmt.Errorf("read app %d: %w", appID, err)
	}
	app := &apply.App{}
	if err := json.Unmarshal([]byte(text), app); err != nil {
		return nil, fmt.Errorf("read app %d: %w", appID, err)
	}
	return app, nil
}

// PublishDraft makes a version of the draft as it stands, provided that match names
// its revision. The draft stays. Besides the errors of a publication it returns
// ErrNoApp, ErrNoDraft, a StaleDraft or an InvalidSchema.
func (s *Store) PublishDraft(ctx context.Context, appID int64, id string, match Match, p Publication) (Published, error) {
	var done Published
	err := s.main.in(ctx, func(t *tx) error {
		app, err := lockApp(ctx, t, appID)
		if err != nil {
			return err
		}
		d, err := matchedDraft(ctx, t, app, id, match)
		if err != nil {
			return err
		}
		if !d.Report.OK {
			return &InvalidSchema{*d.Report}
		}
		done, err = publish(ctx, t, newVersion{
			appID: appID, document: d.Table, from: p.EffectiveFrom, by: actor(ctx, "store"), action: ActPublish, why: p.Why, draft: id,
		}, s.clock.Now())
		done.Warnings = d.Report.Warnings
		return err
	})
	return done, err
}

// RollBack publishes the document of an earlier version once more, as a version of
// its own. What that was checked for when it was published is not asked again, so
// that nothing stands in the way of going back, but for the app's currency.
func (s *Store) RollBack(ctx context.Context, appID int64, version int, p Publication) (Published, error) {
	var done Published
	err := s.main.in(ctx, func(t *tx) error {
		app, err := lockApp(ctx, t, appID)
		if err != nil {
			return err
		}
		doc, err := rollBackDocument(ctx, t, app, version)
		if err != nil {
			return err
		}
		done, err = publish(ctx, t, newVersion{
			appID: appID, document: doc, from: p.EffectiveFrom, by: actor(ctx, "store"), action: ActRollBack, why: p.Why, rolledBackFrom: version,
		}, s.clock.Now())
		return err
	})
	return done, err
}
