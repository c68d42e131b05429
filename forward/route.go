package forward

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// deliverySpace makes delivery ids names in a space of their own: the same thing
// for the same destination has the same id, whoever computes it.
var deliverySpace = uuid.NewSHA1(uuid.NameSpaceURL, []byte("skand:delivery"))

var (
	identifierMacros = []string{"idfa", "idfv", "ip"}
	// The currency goes with the amounts: alone it would tell that there was one.
	revenueMacros = []string{"revenue", "revenue_min", "revenue_max", "revenue_converted", "currency"}
)

// Route decides who hears of a conversion, and how much. It returns one delivery
// per destination that takes it, created at now and due after the destination's
// delay. Limited Data Sharing blocks everything; identifiers are stripped unless
// ATT is authorized; revenue is sent only where asked for.
func Route(c Conversion, dests []Destination, now time.Time) []Delivery {
	if c.Limited || c.Review == ReviewRejected {
		return nil
	}
	var out []Delivery
	for _, d := range dests {
		if !d.takes(c) {
			continue
		}
		name, ok := d.eventName(c)
		if !ok {
			continue
		}
		delivery := Delivery{
			ID:            deliveryID(c.AppID, d.ID, c.DedupKey),
			DestinationID: d.ID,
			AppID:         c.AppID,
			DedupKey:      c.DedupKey,
			Subject:       c.Subject,
			Kind:          c.Kind,
			EventName:     name,
			Fields:        d.fields(c),
			CreatedAt:     now,
			DueAt:         now.Add(d.Delay),
			ExpiresAt:     c.OccurredAt.Add(d.Expires),
		}
		d.hold(c, &delivery)
		out = append(out, delivery)
	}
	return out
}

func deliveryID(appID int64, destinationID, dedupKey string) string {
	name := fmt.Sprintf("%d/%s/%s", appID, destinationID, dedupKey)
	return uuid.NewSHA1(deliverySpace, []byte(name)).String()
}

func (d Destination) takes(c Conversion) bool {
	if !d.Enabled || d.AppID != c.AppID || !slices.Contains(d.Kinds, c.Kind) {
		return false
	}
	if d.Scope == ScopeAll {
		return true
	}
	return c.NetworkID != "" && strings.EqualFold(c.NetworkID, d.NetworkID)
}

// eventName translates our name into theirs. An event that a non-empty map leaves
// out is not sent; installs, and what every published row has (installs, payers),
// are no events that one chooses: they go under our name unless mapped.
func (d Destination) eventName(c Conversion) (string, bool) {
	ours := c.Fields["event_name"]
	if c.Kind == KindInstall {
		ours = KindInstall
	}
	if theirs, ok := d.EventMap[ours]; ok {
		return theirs, true
	}
	always := c.Kind == KindInstall || c.Kind == KindModeled && (ours == EventInstall || ours == EventPayer)
	return ours, always || ours == "" || len(d.EventMap) == 0
}

// fields copies what may leave. Only names of the macro list are kept, so that a
// column added upstream never leaks into the outbox.
func (d Destination) fields(c Conversion) map[string]string {
	f := maps.Clone(c.Fields)
	maps.DeleteFunc(f, func(name, value string) bool {
		switch {
		case value == "" || !knownMacro(name) || name == "event_name":
			return true
		case slices.Contains(identifierMacros, name):
			return c.Att != AttAuthorized
		case slices.Contains(revenueMacros, name):
			return !d.SendRevenue
		}
		return false
	})
	return f
}
