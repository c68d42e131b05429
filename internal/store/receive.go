package store

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"skand/conversion"
	"skand/skan"
)

// Save implements conversion.Receipts. One transaction and a handful of statements
// whatever the number of copies: that is what makes a group commit pay.
func (s *Store) Save(ctx context.Context, copies []conversion.Copy) ([]conversion.Outcome, error) {
	if len(copies) == 0 {
		return nil, nil
	}
	b := &batch{copies: copies, now: s.clock.Now(), verdicts: make([]judged, len(copies)), held: map[identityKey]*held{}}
	b.schemas = s.schemasOf(ctx, copies, b.now)
	err := s.main.in(ctx, func(t *tx) error {
		for _, step := range []func(context.Context, *tx) error{
			b.imported, b.stand, b.bound, b.claim, b.load, b.meet, b.count, b.update, b.keep,
		} {
			if err := step(ctx, t); err != nil {
				return err
			}
		}
		return s.forwardCopies(ctx, t, b)
	})
	if err != nil {
		return nil, fmt.Errorf("keep postbacks: %w", err)
	}
	outcomes := make([]conversion.Outcome, len(copies))
	for i, v := range b.verdicts {
		outcomes[i] = v.outcome
	}
	return outcomes, nil
}

// identityKey is the key of postback_identity, and with its first_seen that of
// counted_postback.
type identityKey struct {
	appID       int64
	environment skan.Environment
	hash        string
}

func (k identityKey) compare(l identityKey) int {
	if k.appID != l.appID {
		return int(min(max(k.appID-l.appID, -1), 1))
	}
	if c := strings.Compare(string(k.environment), string(l.environment)); c != 0 {
		return c
	}
	return strings.Compare(k.hash, l.hash)
}

// held is what counts for one identity, as this batch goes on.
type held struct {
	fresh   bool // claimed by this batch
	known   bool // there is a counted row, or will be
	sealed  bool
	seen    int64 // first_seen of its identity: where its counted row lies
	source  conversion.Source
	values  conversion.Values
	copy    *conversion.Copy // whose values count, if this batch brought them
	first   *conversion.Copy // the copy that claimed it
	changed bool             // an older row has to be updated
}

// judged is the verdict of the store on one copy.
type judged struct {
	claims  bool
	key     identityKey
	outcome conversion.Outcome
	differs []conversion.Difference
	store   bool // false: only counted, or stored already
	done    bool // imported before
}

type batch struct {
	copies   []conversion.Copy
	now      time.Time
	verdicts []judged
	held     map[identityKey]*held
	schemas  map[int64][]conversion.SchemaVersion // of the apps whose copies are decoded at once
	order    []identityKey                        // the keys of held, sorted: everyone locks in one order
	wanted   bool                                 // some destination takes copies of postbacks
}

// imported finds the archived copies that an earlier import has taken in, so that
// an import that broke off can be run again.
func (b *batch) imported(ctx context.Context, t *tx) error {
	places := map[string]int{}
	var keys [][]any
	for i := range b.copies {
		if c := &b.copies[i]; c.Archived {
			places[c.ID] = i
			keys = append(keys, []any{c.AppID(), ms(c.ReceivedAt), c.ID})
		}
	}
	if len(keys) == 0 {
		return nil
	}
	given, args, err := t.givenTable([]column{{"app_id", "bigint"}, {"received_at", "bigint"}, {"id", "text"}}, keys)
	if err != nil {
		return err
	}
	var known []string
	err = t.SelectContext(ctx, &known, `SELECT p.id FROM `+given+` CROSS JOIN postback p
		WHERE p.app_id = k.app_id AND p.received_at = k.received_at AND p.id = k.id`, args...)
	if err != nil {
		return fmt.Errorf("look up imported copies: %w", err)
	}
	for _, id := range known {
		v := &b.verdicts[places[id]]
		v.done = true
		v.outcome = conversion.Outcome{State: conversion.Duplicate, Reason: conversion.AlreadyImported}
	}
	return nil
}

// stand says which copies may claim an identity.
func (b *batch) stand(ctx context.Context, t *tx) error {
	trusted := map[int64]bool{}
	for i := range b.copies {
		c := &b.copies[i]
		trusts := false
		if c.Result.Verdict == skan.Develop {
			known, ok := trusted[c.AppID()]
			if !ok {
				var err error
				if known, err = trustsDevelopment(ctx, t, c.AppID()); err != nil {
					return err
				}
				trusted[c.AppID()] = known
			}
			trusts = known
		}
		st := conversion.Stand(&c.Result, trusts)
		v := &b.verdicts[i]
		if v.done {
			continue
		}
		v.store = true
		if !st.Claims {
			v.outcome = conversion.Outcome{State: st.State, Reason: st.Reason}
			v.store = !c.Replayed
			continue
		}
		v.claims = true
		v.key = identityKey{c.AppID(), st.Environment, string(c.Result.Identity.Hash())}
		if b.held[v.key] == nil {
			b.held[v.key] = &held{first: c, seen: ms(c.ReceivedAt)}
			b.order = append(b.order, v.key)
		}
	}
	slices.SortFunc(b.order, identityKey.compare)
	return nil
}

// claim claims every identity that nobody has. RETURNING is what counts; a
// concurrent claim of the same one waits here for the other's commit.
func (b *batch) claim(ctx context.Context, t *tx) error {
	cols := []column{{"app_id", "bigint"}, {"environment", "text"}, {"identity", "bytea"}, {"first_seen", "bigint"}}
	rows := make([][]any, len(b.order))
	for i, k := range b.order {
		rows[i] = []any{k.appID, string(k.environment), []byte(k.hash), b.held[k].seen}
	}
	err := insertMany(ctx, t, "postback_identity", cols, rows,
		"ON CONFLICT DO NOTHING RETURNING app_id, environment, identity, "+postbacksWanted, func(r *sqlx.Rows) error {
			var k identityKey
			var hash []byte
			if err := r.Scan(&k.appID, &k.environment, &hash, &b.wanted); err != nil {
				return err
			}
			k.hash = string(hash)
			b.held[k].fresh = true
			return nil
		})
	if err != nil {
		return fmt.Errorf("claim identities: %w", err)
	}
	return nil
}

// load reads, and locks, what counts for identities that were taken before.
func (b *batch) load(ctx context.Context, t *tx) error {
	var taken []identityKey
	for _, k := range b.order {
		if !b.held[k].fresh {
			taken = append(taken, k)
		}
	}
	for chunk := range slices.Chunk(taken, maxMarks/3) {
		text, args := countedValuesQuery(t.dialect, chunk)
		var rows []countedValues
		if err := t.SelectContext(ctx, &rows, text, args...); err != nil {
			return fmt.Errorf("look up counted postbacks: %w", err)
		}
		for _, row := range rows {
			h := b.held[identityKey{row.AppID, row.Environment, string(row.Identity)}]
			h.known, h.sealed, h.seen, h.source = true, row.SealedIn != nil, row.FirstSeen, row.Source
			h.values = conversion.Values{Fine: row.Fine, Coarse: row.Coarse, Country: row.Country, Interaction: row.Interaction}
		}
	}
	return nil
}

// meet goes through the copies in their order, as if each had come alone.
func (b *batch) meet(context.Context, *tx) error {
	for i := range b.copies {
		v, c := &b.verdicts[i], &b.copies[i]
		if !v.claims {
			continue
		}
		h := b.held[v.key]
		values := conversion.ValuesOf(c.Result.Postback)
		if h.fresh && !h.known {
			h.known, h.source, h.values, h.copy = true, c.Source, values, c
			v.outcome = conversion.Outcome{State: conversion.Accepted}
			continue
		}
		if !h.known {
			v.outcome = conversion.Outcome{State: conversion.Duplicate}
			continue
		}
		m := conversion.Meet(h.values, h.source, h.sealed, values, c.Source)
		v.outcome = conversion.Outcome{State: m.State}
		if m.State == conversion.Conflict {
			v.differs = h.values.Compare(values)
		}
		switch {
		case m.TakeOver:
			v.outcome.Reason = "better_source"
			h.values, h.source, h.copy, h.changed = values, c.Source, c, true
		case m.Raise:
			h.source, h.changed = c.Source, true
		}
	}
	return nil
}

var countedColumns = []column{
	{"app_id", "bigint"}, {"environment", "text"}, {"first_seen", "bigint"}, {"identity", "bytea"}, {"copy_id", "text"}, {"source", "text"},
	{"counted_at", "bigint"}, {"received_at", "bigint"}, {"framework", "text"}, {"version", "text"},
	{"network_id", "text"}, {"sequence_index", "bigint"}, {"kind", "text"}, {"id_kind", "text"}, {"source_id", "text"},
	{"redownload", "boolean"}, {"fine", "bigint"}, {"coarse", "text"}, {"country", "text"}, {"interaction", "text"},
	{"publisher", "text"}, {"decoded_at", "bigint"}, {"value_kind", "text"}, {"state", "text"}, {"flags", "text"}, {"schema_version", "bigint"},
	{"payer", "boolean"}, {"revenue_min", "numeric"}, {"revenue_est", "numeric"}, {"revenue_max", "numeric"},
	{"install_point", "bigint"}, {"install_from", "bigint"}, {"install_to", "bigint"},
}

// count writes the counted rows of fresh identities, with the values that count at
// the end of the batch.
func (b *batch) count(ctx context.Context, t *tx) error {
	var rows [][]any
	open := map[datasetRow]int64{}
	for _, k := range b.order {
		h := b.held[k]
		if !h.fresh {
			continue
		}
		p := h.copy.Result.Postback
		kind := conversion.KindOf(p)
		countedAt := b.now
		if h.first.Archived {
			until, err := sealedUntil(ctx, t, open, datasetRow{k.appID, p.SequenceIndex, string(kind), string(k.environment)})
			if err != nil {
				return err
			}
			if ms(h.first.ReceivedAt) >= until {
				countedAt = h.first.ReceivedAt
			}
		}
		idKind, id := conversion.Identifier(p)
		rows = append(rows, append([]any{
			k.appID, string(k.environment), h.seen, []byte(k.hash), h.copy.ID, string(h.source),
			ms(countedAt), ms(h.copy.ReceivedAt), string(p.Framework), p.Version,
			p.NetworkKey(), int64(p.SequenceIndex), string(kind), idKind, id,
			p.ConversionType == skan.ConversionRedownload, nullable(h.values.Fine), h.values.Coarse, h.values.Country, h.values.Interaction,
			conversion.Publisher(p),
		}, b.decodedNow(k, h)...))
	}
	if err := insertMany(ctx, t, "counted_postback", countedColumns, rows, "", nil); err != nil {
		return fmt.Errorf("count postbacks: %w", err)
	}
	return nil
}

func nullable(n *int) any {
	if n == nil {
		return nil
	}
	return int64(*n)
}

const takeOverSQL = `
UPDATE counted_postback SET copy_id = ?, source = ?, received_at = ?, fine = ?, coarse = ?, country = ?,
  interaction = ?, decoded_at = NULL
WHERE app_id = ? AND environment = ? AND first_seen = ? AND identity = ? AND sealed_in IS NULL`

const raiseSQL = `
UPDATE counted_postback SET source = ? WHERE app_id = ? AND environment = ? AND first_seen = ? AND identity = ? AND sealed_in IS NULL`

// update lets a better source's values count in rows of earlier batches.
func (b *batch) update(ctx context.Context, t *tx) error {
	for _, k := range b.order {
		h := b.held[k]
		if h.fresh || !h.changed {
			continue
		}
		var err error
		if h.copy == nil {
			_, err = t.ExecContext(ctx, t.q(raiseSQL), h.source, k.appID, k.environment, h.seen, []byte(k.hash))
		} else {
			_, err = t.ExecContext(ctx, t.q(takeOverSQL), h.copy.ID, h.source, ms(h.copy.ReceivedAt), h.values.Fine,
				h.values.Coarse, h.values.Country, h.values.Interaction, k.appID, k.environment, h.seen, []byte(k.hash))
		}
		if err != nil {
			return fmt.Errorf("let the better copy count: %w", err)
		}
	}
	return nil
}

var copyColumns = []column{
	{"app_id", "bigint"}, {"received_at", "bigint"}, {"id", "text"}, {"source", "text"}, {"relay", "text"}, {"client", "text"},
	{"state", "text"}, {"reason", "text"}, {"field", "text"}, {"framework", "text"}, {"version", "text"}, {"verdict", "text"},
	{"key_name", "text"}, {"flags", "text"}, {"identity", "bytea"}, {"differs", "text"}, {"body", "bytea"},
}

// keep writes every copy as it came, with what became of it.
func (b *batch) keep(ctx context.Context, t *tx) error {
	var rows [][]any
	for i := range b.copies {
		c, v := &b.copies[i], &b.verdicts[i]
		if !v.store {
			continue
		}
		if c.Replayed {
			if _, err := t.ExecContext(ctx, t.q(forgetCopySQL), c.StoredApp, ms(c.ReceivedAt), c.ID); err != nil {
				return fmt.Errorf("replay copy: %w", err)
			}
		}
		r := &c.Result
		var identity any
		if r.Identity != nil {
			identity = r.Identity.Hash()
		}
		differs, err := differences(v.differs)
		if err != nil {
			return err
		}
		rows = append(rows, []any{
			c.AppID(), ms(c.ReceivedAt), c.ID, string(c.Source), plain(c.Relay), c.Client,
			string(v.outcome.State), v.outcome.Reason, plain(r.Field), string(r.Framework), plain(r.Version), string(r.Verdict),
			plain(r.Key), strings.Join(r.Flags, " "), identity, differs, bytes.Clone(c.Body),
		})
	}
	if err := insertMany(ctx, t, "postback", copyColumns, rows, "", nil); err != nil {
		return fmt.Errorf("keep copies: %w", err)
	}
	return nil
}
