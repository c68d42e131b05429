package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"skand/internal/apply"
)

// Link is whom a tracking link is of, and where it leads.
type Link struct {
	NetworkID string // never an alias
	StorePage string
	SecretEnv string // the variable that holds what its links are signed with; "": they are not
}

// ErrNoNetwork says that nobody has described a network under this id or alias.
var ErrNoNetwork = errors.New("no network is described under this id")

// Unknown reports whether an error is that a link names nobody.
func Unknown(err error) bool { return errors.Is(err, ErrNoNetwork) || errors.Is(err, ErrNoApp) }

// PageOf is an app's page in the App Store, unless it has set another.
func PageOf(appID int64) string { return apply.StorePage(appID, "") }

const linkSQL = `
SELECT n.network_id, n.definition, COALESCE((SELECT a.definition FROM app a WHERE a.app_id = ?), '') AS app
FROM network n
WHERE n.network_id = COALESCE((SELECT x.network_id FROM network_alias x WHERE x.alias = ?), ?)`

// Link finds what a tracking link names: a network by its id or an alias, in any case,
// and an app. The error is ErrNoNetwork or ErrNoApp where nobody has described it.
func (s *Store) Link(ctx context.Context, network string, appID int64) (Link, error) {
	var row struct {
		NetworkID  string `db:"network_id"`
		Definition string `db:"definition"`
		App        string `db:"app"`
	}
	network = strings.ToLower(network)
	err := s.main.r.GetContext(ctx, &row, s.main.r.Rebind(linkSQL), appID, network, network)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return Link{}, ErrNoNetwork
	case err != nil:
		return Link{}, fmt.Errorf("look up tracking link: %w", err)
	case row.App == "":
		return Link{}, ErrNoApp
	}
	var n apply.Network
	var a apply.App
	if err := errors.Join(json.Unmarshal([]byte(row.Definition), &n), json.Unmarshal([]byte(row.App), &a)); err != nil {
		return Link{}, fmt.Errorf("look up tracking link: %w", err)
	}
	return Link{NetworkID: row.NetworkID, StorePage: apply.StorePage(appID, a.StoreURL), SecretEnv: n.LinkSecretEnv}, nil
}
