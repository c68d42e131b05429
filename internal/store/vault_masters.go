package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"skand/internal/vault"
)

// sealedColumn is one column that holds what Seal wrote, as which kind, and the key
// of its table.
type sealedColumn struct {
	table, column, kind string
	key                 []string
}

// sealedColumns lists all of them: a master is needed for as long as one holds
// something that it sealed.
var sealedColumns = []sealedColumn{
	{"click", "body", kindClick, []string{"app_id", "id"}},
	{"install", "body", kindInstall, []string{"app_id", "id"}},
	{"install", "detail", kindDecision, []string{"app_id", "id"}},
	{"event", "body", kindEvent, []string{"app_id", "id"}},
	{"outbox", "fields", kindFields, []string{"app_id", "id"}},
	{"delivery_attempt", "answer", kindAnswer, []string{"app_id", "delivery_id", "attempt"}},
	{"destination_secret", "sealed", kindSecret, []string{"app_id", "destination_id", "purpose", "fingerprint"}},
}

// The kinds under which the store seals. They are bound to what is sealed, so they
// never change.
const (
	kindClick    = "click"
	kindInstall  = "install"
	kindDecision = "decision"
	kindEvent    = "event"
	kindFields   = "fields"
	kindAnswer   = "answer"
	kindSecret   = "destination-secret"
)

// keepMasterIDs notes which masters this store may be sealed with. One that has gone
// missing stops the opening while a row needs it, and is forgotten when none does:
// otherwise a server would run for weeks before somebody meets what it can't read.
func keepMasterIDs(ctx context.Context, t *tx, masters []vault.Master) error {
	ids, err := masterIDs(ctx, t, masters)
	if err != nil {
		return err
	}
	return setMeta(ctx, t, metaMasterIDs, ids)
}

// masterIDs are the ids of the masters, if no other one is needed.
func masterIDs(ctx context.Context, t *tx, masters []vault.Master) (string, error) {
	known, err := getMeta(ctx, t, metaMasterIDs)
	if err != nil {
		return "", err
	}
	var ids []string
	for _, m := range masters {
		ids = append(ids, m.ID())
	}
	for _, id := range strings.Fields(known) {
		if slices.Contains(ids, id) {
			continue
		}
		where, err := sealedWith(ctx, t, id)
		if err != nil {
			return "", err
		}
		if where != "" {
			return "", fmt.Errorf("%w: key %s sealed rows of table %s; add it to %s again, behind the new one, and take it out after `skand migrate --reseal`",
				ErrSealedOtherwise, id, where, EnvMasterKey)
		}
	}
	return strings.Join(ids, " "), nil
}

// sealedWith names a table with a row that a master sealed; "": there is none.
func sealedWith(ctx context.Context, t *tx, id string) (string, error) {
	for _, c := range sealedColumns {
		var found bool
		text := fmt.Sprintf(`SELECT EXISTS (SELECT 1 FROM %s WHERE %s LIKE ?)`, c.table, c.column)
		if err := t.GetContext(ctx, &found, t.q(text), sealedBy(id)); err != nil {
			return "", fmt.Errorf("look for what key %s sealed: %w", id, err)
		}
		if found {
			return c.table, nil
		}
	}
	return "", nil
}

func sealedBy(id string) string { return "v1." + id + ".%" }
