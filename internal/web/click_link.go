package web

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"skand/conversion"
	"skand/internal/store"
)

// LinkReader knows whom a tracking link is of.
type LinkReader interface {
	// Link finds a network (by its id or an alias, in any case) and an app. It returns
	// store.ErrNoNetwork or store.ErrNoApp where nobody has described them.
	Link(ctx context.Context, network string, appID int64) (store.Link, error)
}

// Links serves tracking links: GET /click/{network}/{app} keeps the click and sends
// the person on to the app's page in the App Store, and nowhere else, whatever the
// query says. The person comes first: once network and app are known, whatever goes
// wrong with the click, the answer is the way to the store.
//
// Strangers can follow links as often as they like, so it works in its own few places
// and never in those of postbacks. It is safe for concurrent use.
type Links struct {
	From   LinkReader
	Intake Intake
	Secret func(variable string) string // what the environment holds, "" if nothing
	Now    func() time.Time
	Log    *slog.Logger

	clicks *prometheus.CounterVec
	places chan struct{}
}

const (
	linkPlaces  = 32 // clicks that are being kept at once; beyond it they are lost, and counted
	linkTimeout = 2 * time.Second
)

// What became of a followed link: the values of the metric's label.
const (
	linkStored    = "stored"
	linkDuplicate = "duplicate" // this click id is known
	linkPrefetch  = "prefetch"  // a browser loaded the page in advance
	linkBot       = "bot"       // no person, or a preview of the link
	linkUnsigned  = "unsigned"  // the network signs its links, and this one is not, or wrongly
	linkRefused   = "refused"   // a parameter is none
	linkLost      = "lost"      // the store failed, or too many came at once
)

// NewLinks returns a server of tracking links.
func NewLinks(from LinkReader, intake Intake, secret func(string) string, now func() time.Time, reg prometheus.Registerer, log *slog.Logger) *Links {
	l := &Links{
		From: from, Intake: intake, Secret: secret, Now: now, Log: log, places: make(chan struct{}, linkPlaces),
		clicks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "skand_clicks_total", Help: "Tracking links that were followed, by network and by what became of the click.",
		}, []string{"network", "result"}),
	}
	reg.MustRegister(l.clicks)
	return l
}

func (l *Links) route(mux *http.ServeMux) {
	mux.HandleFunc("/click/{network}/{app}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store") // a click that a cache answered is none
		w.Header().Set("Referrer-Policy", "no-referrer")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			writeFault(w, http.StatusMethodNotAllowed, fault{Code: "method_not_allowed", Message: "tracking links are followed with GET"})
			return
		}
		l.follow(w, r)
	})
}

func (l *Links) follow(w http.ResponseWriter, r *http.Request) {
	appID, err := strconv.ParseInt(r.PathValue("app"), 10, 64)
	if err != nil || appID <= 0 {
		writeFault(w, http.StatusNotFound, fault{Code: "not_found", Message: "want the App Store id of an app", Field: "app"})
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), linkTimeout)
	defer cancel()
	q := r.URL.Query()
	network := r.PathValue("network")
	link, err := l.From.Link(ctx, network, appID)
	switch {
	case store.Unknown(err):
		// Nothing is kept for whom nobody knows, and nobody is sent anywhere for them.
		writeFault(w, http.StatusNotFound, fault{Code: "not_found", Message: "this link names a network or an app that is not known here"})
		return
	case err != nil:
		// The store page needs no database, unless the app has one of its own.
		l.Log.ErrorContext(ctx, "a tracking link could not be looked up; its click is lost", "error", err)
		l.answer(w, r, q, store.Link{StorePage: store.PageOf(appID)}, linkLost)
		return
	}
	l.answer(w, r, q, link, l.take(ctx, r, q, link, appID))
}

// answer sends the person on. A view is an image or a beacon: there is nobody to send.
func (l *Links) answer(w http.ResponseWriter, r *http.Request, q url.Values, link store.Link, result string) {
	l.clicks.WithLabelValues(link.NetworkID, result).Inc()
	w.Header().Set("Skand-Click", result)
	if q.Get("interaction") == "view" {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	http.Redirect(w, r, link.StorePage, http.StatusFound)
}

// take keeps the click, if it is one.
func (l *Links) take(ctx context.Context, r *http.Request, q url.Values, link store.Link, appID int64) string {
	switch {
	case r.Method == http.MethodHead || inAdvance(r.Header):
		return linkPrefetch
	case noPerson(r.UserAgent()):
		return linkBot
	case link.SecretEnv != "" && !l.signed(r, q, link):
		return linkUnsigned
	}
	c := clickOf(q, link.NetworkID, appID, l.Now())
	if rej := c.Check(l.Now()); rej != nil {
		return linkRefused
	}
	c.Arrive(l.Now())
	select {
	case l.places <- struct{}{}:
		defer func() { <-l.places }()
	default:
		return linkLost
	}
	taken, err := l.Intake.Clicks(ctx, []*conversion.Click{c})
	switch {
	case err != nil:
		l.Log.ErrorContext(ctx, "a click was lost; its link led to the store all the same", "network", link.NetworkID, "error", err)
		return linkLost
	case taken[0].Rejected != nil:
		return linkRefused
	case !taken[0].Accepted:
		return linkDuplicate
	}
	return linkStored
}

var idfaForm = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)

// clickOf reads the parameters that contract and networks know; all others are the
// network's own affair. Without a click id one is made, for the click to have a name.
func clickOf(q url.Values, networkID string, appID int64, now time.Time) *conversion.Click {
	c := &conversion.Click{
		ID: q.Get("click_id"), NetworkID: networkID, AppID: appID, Time: now,
		CampaignID: q.Get("campaign_id"), CampaignName: q.Get("campaign_name"),
		AdgroupID: q.Get("adgroup_id"), CreativeID: q.Get("creative_id"),
		Interaction: q.Get("interaction"),
	}
	// Macros that nobody filled, such as {idfa}, and the zeros of iOS are no device.
	if idfa := q.Get("idfa"); idfaForm.MatchString(idfa) && strings.Trim(idfa, "0-") != "" {
		c.IDFA = idfa
	}
	if c.ID == "" {
		if id, err := uuid.NewV7(); err == nil {
			c.ID = id.String()
		}
	}
	return c
}
