package forward

import (
	"cmp"
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

// RejectedPrefix begins the dedup keys of rejections; the key of the thing follows.
const RejectedPrefix = KindRejected + "/"

// Route decides who hears of a conversion, and how much. It returns one delivery
// per destination that takes it, created at now and due after the destination's
// delay; every conversion that the rules let through is sent, none is sampled.
//
// Limited Data Sharing blocks everything; identifiers are stripped unless ATT is
// authorized, whatever the templates ask for; revenue is sent only where asked for.
// What is not billed goes to nobody but the network that claimed it, as kind rejected.
// A later figure of what was published goes only where it takes the place of the first.
func Route(c Conversion, dests []Destination, now time.Time) []Delivery {
	if c.Limited && c.ofPerson() {
		return nil
	}
	if c.Review == ReviewRejected {
		c.Rejection = cmp.Or(c.Rejection, ReviewRejected)
	}
	var out []Delivery
	for _, d := range dests {
		if delivery, ok := d.route(c, now); ok {
			out = append(out, delivery)
		}
	}
	return out
}

func (d Destination) route(c Conversion, now time.Time) (Delivery, bool) {
	if !d.Enabled || d.AppID != c.AppID || c.Again && d.Revisions != RevisionsReplace {
		return Delivery{}, false
	}
	rejection := cmp.Or(c.Rejection, d.tooLate(c))
	kind, key, heard := c.Kind, c.DedupKey, d.hears
	if rejection != "" {
		kind, key, heard = KindRejected, RejectedPrefix+c.DedupKey, d.hearsRejected
	}
	consent := c.consent()
	if !slices.Contains(d.Kinds, kind) || !heard(c) || !d.SendsIn(consent) || !d.Filter.passes(c) {
		return Delivery{}, false
	}
	name, ok := d.eventName(c)
	if !ok {
		return Delivery{}, false
	}
	delivery := Delivery{
		ID:            deliveryID(c.AppID, d.ID, key),
		DestinationID: d.ID,
		AppID:         c.AppID,
		DedupKey:      key,
		Subject:       c.Subject,
		Kind:          kind,
		EventName:     name,
		Consent:       consent,
		Fields:        d.fields(c, rejection),
		CreatedAt:     now,
		DueAt:         now.Add(d.Delay),
		ExpiresAt:     expiry(d, c),
	}
	if rejection == "" {
		d.hold(c, &delivery)
	}
	return delivery, true
}

func deliveryID(appID int64, destinationID, dedupKey string) string {
	name := fmt.Sprintf("%d/%s/%s", appID, destinationID, dedupKey)
	return uuid.NewSHA1(deliverySpace, []byte(name)).String()
}

// ReasonEventWindow is the rejection of an event that came too long after its install
// for the destination.
const ReasonEventWindow = "outside_event_window"

// tooLate judges an event by the destination's event window as it is set when the
// event comes (or its install, if that comes later). Times count in whole
// milliseconds, as they are stored; the last one is still inside.
func (d Destination) tooLate(c Conversion) string {
	if c.Kind != KindEvent || d.EventWindow == 0 || c.InstalledAt.IsZero() {
		return ""
	}
	if c.OccurredAt.UnixMilli()-c.InstalledAt.UnixMilli() > d.EventWindow.Milliseconds() {
		return ReasonEventWindow
	}
	return ""
}

// eventName translates our name into theirs. An event that a non-empty map leaves
// out is not sent; installs, postbacks, and what every published row has (installs,
// payers), are no events that one chooses: they go under our name unless mapped.
func (d Destination) eventName(c Conversion) (string, bool) {
	ours := c.Fields["event_name"]
	switch c.Kind {
	case KindInstall:
		ours = KindInstall
	case KindPostback:
		return d.postbackName(ours), true
	}
	if theirs, ok := d.EventMap[ours]; ok {
		return theirs, true
	}
	always := c.Kind == KindInstall || c.Kind == KindModeled && (ours == EventInstall || ours == EventPayer)
	return ours, always || ours == "" || len(d.EventMap) == 0
}

// postbackName maps each of the events that a conversion value vouches for, and leaves
// out those that a non-empty map does not have. A copy of a postback is sent whole,
// whatever it is called.
func (d Destination) postbackName(ours string) string {
	if ours == "" || ours == KindPostback {
		return cmp.Or(d.EventMap[KindPostback], KindPostback)
	}
	var names []string
	for name := range strings.SplitSeq(ours, ",") {
		theirs, ok := d.EventMap[name]
		switch {
		case ok:
			names = append(names, theirs)
		case len(d.EventMap) == 0:
			names = append(names, name)
		}
	}
	return cmp.Or(strings.Join(names, ","), d.EventMap[KindPostback], KindPostback)
}

// fields copies what may leave. Only names of the macro list are kept, so that a
// column added upstream never leaks into the outbox.
func (d Destination) fields(c Conversion, rejection string) map[string]string {
	f := maps.Clone(c.Fields)
	maps.DeleteFunc(f, func(name, value string) bool {
		switch {
		case value == "" || !knownMacro(name) || name == "event_name":
			return true
		case slices.Contains(identifierMacros, name):
			return c.consent() != consentAuthorized
		case slices.Contains(revenueMacros, name):
			return !d.SendRevenue
		}
		return false
	})
	if rejection != "" {
		f["rejection_reason"] = rejection
	}
	return f
}
