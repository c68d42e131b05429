package web

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"skand/internal/store"
	"skand/skan"
)

// inspectAsk names one postback: a copy where at is set, else an identity.
type inspectAsk struct {
	id        string
	app       int64
	at        time.Time
	network   string
	framework skan.Framework
	index     int
}

func (k inspectAsk) copied() store.PostbackRef {
	return store.PostbackRef{AppID: k.app, ReceivedAt: k.at, ID: k.id}
}

func (k inspectAsk) identity() skan.Identity {
	return skan.Identity{
		AppID: k.app, Framework: k.framework, NetworkID: strings.ToLower(k.network), ID: strings.ToLower(k.id), Index: k.index,
	}
}

func (k inspectAsk) detail() map[string]any {
	if !k.at.IsZero() {
		return map[string]any{"received_at": k.at.UTC().Format(time.RFC3339Nano)}
	}
	return map[string]any{"network": k.network, "framework": k.framework, "index": k.index}
}

// readInspectAsk reads which postback is asked for; false means that the answer has been
// given.
func readInspectAsk(w http.ResponseWriter, r *http.Request) (k inspectAsk, ok bool) {
	q, ok := query(w, r, "app", "received_at", "network", "framework", "index")
	if !ok {
		return k, false
	}
	bad := func(field, detail string) (inspectAsk, bool) {
		problem(w, http.StatusBadRequest, "bad_parameter", detail, field)
		return k, false
	}
	k.id = r.PathValue("id")
	var err error
	// An own id and Apple's are UUIDs, an archive's is a hash.
	if len(k.id) > 64 || strings.ContainsFunc(k.id, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return bad("id", "want the id of a copy, or Apple's transaction-id or postback-identifier")
	}
	// A copy of which no app could be read is kept under 0.
	if k.app, err = strconv.ParseInt(q.Get("app"), 10, 64); err != nil || k.app < 0 {
		return bad("app", "want the App Store id of an app, as the list of postbacks has it")
	}
	if text := q.Get("received_at"); text != "" {
		if k.at, err = time.Parse(time.RFC3339, text); err != nil {
			return bad("received_at", "want a time such as 2026-11-02T09:00:00.123Z, as the list of postbacks has it")
		}
		for _, other := range []string{"network", "framework", "index"} {
			if q.Has(other) {
				return bad(other, "belongs to an identity; received_at names a copy")
			}
		}
		return k, true
	}
	if k.network = q.Get("network"); k.network == "" {
		return bad("received_at", "give the received_at of a copy, or the network of an identity")
	}
	if len(k.network) > 255 || strings.ContainsFunc(k.network, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return bad("network", "want an ad network id")
	}
	if _, err := uuid.Parse(k.id); err != nil || len(k.id) != 36 {
		return bad("id", "want Apple's transaction-id or postback-identifier, a UUID")
	}
	switch k.framework = skan.Framework(q.Get("framework")); k.framework {
	case "":
		k.framework = skan.SKAdNetwork
	case skan.SKAdNetwork, skan.AdAttributionKit:
	default:
		return bad("framework", "want skadnetwork or adattributionkit")
	}
	if text := q.Get("index"); text != "" {
		if k.index, err = strconv.Atoi(text); err != nil || k.index < 0 || k.index > 2 {
			return bad("index", "want the postback-sequence-index, 0 to 2")
		}
	}
	return k, true
}
