package web

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/singleflight"

	"skand/internal/store"
	"skand/schema/format"
)

// MappingReader knows the published versions that have taken effect.
type MappingReader interface {
	// Mapping is the version in force at now; version above 0 asks for that one. It
	// returns store.ErrNoMapping where there is none.
	Mapping(ctx context.Context, appID int64, version int, now time.Time) (store.Mapping, error)
	// MappingHistory lists versions without their documents, newest first, below
	// version before unless that is 0.
	MappingHistory(ctx context.Context, appID int64, now time.Time, before, limit int) (page []store.Mapping, more bool, err error)
}

// Mappings serves what conversion values mean, to phones and networks: whoever
// asks. It is public by design, for every phone with the app holds it; who
// published it and why is not, and neither is a version before it takes effect.
//
// Strangers can ask as often as they like, so it works in its own few places and
// never in those of postbacks. It is safe for concurrent use.
type Mappings struct {
	from     MappingReader
	now      func() time.Time
	log      *slog.Logger
	flights  singleflight.Group
	places   chan struct{} // who reads or renders
	line     chan struct{} // those, and who waits for a place
	rendered renderings
}

const (
	mappingPlaces  = 2   // of the store's readers, and of the processors
	mappingLine    = 256 // beyond it the answer is 503 at once
	mappingTimeout = 5 * time.Second

	// A phone has to use a version a day after it took effect at the latest. A
	// cache takes an hour of that day, and none across a change that is known.
	currentAge = time.Hour
	// A numbered version never changes; its rendering might, with a newer skand.
	numberedAge = 24 * time.Hour

	nativeFormat = "native"
	maxVersion   = 1 << 30
)

var errBusy = errors.New("too many ask for mappings at once")

// NewMappings returns a server of mappings.
func NewMappings(from MappingReader, now func() time.Time, log *slog.Logger) *Mappings {
	return &Mappings{
		from: from, now: now, log: log,
		places: make(chan struct{}, mappingPlaces), line: make(chan struct{}, mappingLine),
	}
}

func (m *Mappings) route(mux *http.ServeMux) {
	mux.Handle("/v1/apps/{app}/schema", m.reads(m.serveMapping))
	mux.Handle("/v1/apps/{app}/schema/history", m.reads(m.serveHistory))
	mux.Handle("/v1/apps/{app}/schema/lost", m.reads(m.serveLost))
}

// reads lets GET and HEAD through. A page of any site may read the answers, as
// there is nothing in them that its visitor could not fetch himself.
func (m *Mappings) reads(serve func(w http.ResponseWriter, r *http.Request, appID int64)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			problem(w, http.StatusMethodNotAllowed, "method_not_allowed", "mappings are read with GET", "")
			return
		}
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Access-Control-Expose-Headers", "ETag, Skand-Version, Skand-Effective-From, Skand-Lost")
		w.Header().Set("Cache-Control", "no-store") // unless there is a mapping
		appID, err := strconv.ParseInt(r.PathValue("app"), 10, 64)
		if err != nil || appID <= 0 {
			problem(w, http.StatusBadRequest, "bad_parameter", "want the App Store id of an app", "app")
			return
		}
		serve(w, r, appID)
	})
}

// mappingAsked reads ?format= and ?version=; false means that the answer has been given.
func mappingAsked(w http.ResponseWriter, q url.Values) (as string, version int, ok bool) {
	as = q.Get("format")
	if as == "" {
		as = nativeFormat
	}
	if !slices.Contains(formatNames(), as) {
		problem(w, http.StatusBadRequest, "unknown_format", "want one of "+strings.Join(formatNames(), ", "), "format")
		return "", 0, false
	}
	if !q.Has("version") {
		return as, 0, true
	}
	n, err := strconv.Atoi(q.Get("version"))
	if err != nil || n < 1 || n > maxVersion {
		problem(w, http.StatusBadRequest, "bad_parameter", "want the number of a version", "version")
		return "", 0, false
	}
	return as, n, true
}

func formatNames() []string {
	return append([]string{nativeFormat}, format.Names()...)
}

func (m *Mappings) serveMapping(w http.ResponseWriter, r *http.Request, appID int64) {
	q, ok := query(w, r, "format", "version")
	if !ok {
		return
	}
	as, version, ok := mappingAsked(w, q)
	if !ok {
		return
	}
	got, err := m.fetch(r.Context(), appID, version, as)
	if err != nil {
		m.refuse(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", got.contentType)
	h.Set("Skand-Version", strconv.Itoa(got.Version))
	h.Set("Skand-Effective-From", got.EffectiveFrom.Format(time.RFC3339Nano))
	h.Set("Skand-Lost", strconv.Itoa(len(got.lost)))
	age := numberedAge
	if version == 0 {
		age = freshFor(m.now(), got.Next)
	}
	serveFresh(w, r, got.body, got.etag, modified(got.Mapping), age)
}

// serveFresh answers with a body that caches may keep for age, or with 304 to who
// has it already.
func serveFresh(w http.ResponseWriter, r *http.Request, body []byte, etag string, modified time.Time, age time.Duration) {
	h := w.Header()
	h.Set("ETag", etag)
	h.Set("Cache-Control", "public, max-age="+strconv.FormatInt(int64(age/time.Second), 10)+", must-revalidate")
	http.ServeContent(w, r, "", modified, bytes.NewReader(body))
}

// freshFor is how long the mapping in force may be kept: never beyond the next.
func freshFor(now, next time.Time) time.Duration {
	if next.IsZero() {
		return currentAge
	}
	return max(0, min(currentAge, next.Sub(now)))
}

// modified is when a version came to be what is served. The first one's effective
// time may lie before its publication.
func modified(v store.Mapping) time.Time {
	if v.PublishedAt.After(v.EffectiveFrom) {
		return v.PublishedAt
	}
	return v.EffectiveFrom
}

// refuse answers what can't be served. An app without a mapping and one that was
// never heard of are the same to a stranger.
func (m *Mappings) refuse(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, store.ErrNoMapping):
		problem(w, http.StatusNotFound, "no_mapping", "no such mapping is in force; it has to be published, and to have taken effect", "")
	case errors.Is(err, errBusy):
		w.Header().Set("Retry-After", "1")
		problem(w, http.StatusServiceUnavailable, "busy", err.Error(), "")
	default:
		m.log.ErrorContext(r.Context(), "mapping not served", "path", r.URL.Path, "error", err)
		problem(w, http.StatusServiceUnavailable, "unavailable", "the mapping can't be read now; ask again later", "")
	}
}
