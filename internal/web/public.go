package web

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/netip"

	"github.com/prometheus/client_golang/prometheus"

	"skand/conversion"
	"skand/internal/auth"
	"skand/internal/config"
	"skand/skan"
)

// Receiver keeps one postback durably. An error means that nothing is known to be
// kept.
type Receiver interface {
	Receive(ctx context.Context, a conversion.Arrival) (conversion.Outcome, skan.Result, error)
	// ReceiveAll keeps several in one commit; the answers are in their order.
	ReceiveAll(ctx context.Context, arrivals []conversion.Arrival) ([]conversion.Outcome, []skan.Result, error)
}

// Authenticator says who bears a token.
type Authenticator interface {
	Authenticate(ctx context.Context, bearer string) (auth.Principal, error)
}

// Public is what the public listener serves.
type Public struct {
	Receiver Receiver
	Items    Items
	Auth     Authenticator
	Ready    func(ctx context.Context) error
	Metrics  *Metrics
	Trusted  []netip.Prefix // proxies whose X-Forwarded-For is believed
	Limits   config.Limits
	Old      *OldPostbacks // nil: SKAdNetwork 1.0 and 2.0 cost nothing here, being off
	Log      *slog.Logger
	Mappings *Mappings // nil: none are served
	Links    *Links    // nil: there are none
	Keys     KeySet    // nil: none are served
	Receive  bool      // the receive role: without it only healthz and readyz answer
}

// Handler routes the public paths. Apple's are served with and without their last
// slash and never redirect, for Apple does not follow.
func (p *Public) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /readyz", p.ready)
	if p.Receive {
		for path, source := range map[string]conversion.Source{
			"/.well-known/skadnetwork/report-attribution":    conversion.Developer,
			"/.well-known/appattribution/report-attribution": conversion.Developer,
			"/postbacks/skadnetwork":                         conversion.Network,
			"/postbacks/adattributionkit":                    conversion.Network,
		} {
			h := p.postback(func(r *http.Request) conversion.Arrival {
				return conversion.Arrival{Source: source, Client: client(r, p.Trusted)}
			})
			mux.Handle(path, h)
			mux.Handle(path+"/{$}", h)
		}
		mux.Handle("/postbacks/relay/{network}", p.relay())
		p.routeS2S(mux)
		if p.Links != nil {
			p.Links.route(mux)
		}
		if p.Mappings != nil {
			p.Mappings.route(mux)
		}
		if p.Keys != nil {
			mux.HandleFunc("GET /v1/jwks", p.jwks)
		}
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		writeFault(w, http.StatusNotFound, fault{Code: "not_found", Message: "nothing is served at this path"})
	})
	return sealed(mux)
}

func (p *Public) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), saveTimeout)
	defer cancel()
	if err := p.Ready(ctx); err != nil {
		p.Log.WarnContext(ctx, "not ready", "error", err)
		writeJSON(w, http.StatusServiceUnavailable, map[string]string{"status": "not ready"})
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "ready"})
}

// postback answers in the order of the promise: 405, 413, 400, commit, 200. The
// 200 is written only after the commit; whatever may succeed later is a 500,
// because AdAttributionKit repeats after nothing else.
func (p *Public) postback(from func(*http.Request) conversion.Arrival) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			writeFault(w, http.StatusMethodNotAllowed, fault{Code: "method_not_allowed", Message: "postbacks are sent with POST"})
			return
		}
		took := prometheus.NewTimer(nil)
		body, bad := readBody(w, r, int64(p.Limits.Body))
		if bad != nil {
			writeFault(w, bad.status, bad.fault)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), saveTimeout)
		defer cancel()
		a := from(r)
		a.Body = body
		leave, ok := p.Old.enter(a.Client, body)
		if !ok {
			writeFault(w, http.StatusInternalServerError, fault{
				Code: "busy", Message: "too many postbacks of SKAdNetwork 1.0 and 2.0 came from here or at once; send it again later",
			})
			return
		}
		var res skan.Result
		defer func() { leave(res) }()
		out, res, err := p.Receiver.Receive(ctx, a)
		if err != nil {
			level := slog.LevelError
			if errors.Is(err, conversion.ErrBusy) {
				level = slog.LevelDebug // a flood is counted, not written down line by line
			}
			p.Log.Log(ctx, level, "postback not stored", "error", err)
			writeFault(w, http.StatusInternalServerError, fault{Code: "not_stored", Message: "the postback could not be stored; send it again"})
			return
		}
		if res.NotObject {
			writeFault(w, http.StatusBadRequest, fault{Code: res.Reason, Message: res.Message, Field: res.Field})
			return
		}
		p.Metrics.postback(res, out.State, a.Source, took.ObserveDuration())
		writeJSON(w, http.StatusOK, out)
	})
}

// unread is why a body could not be taken.
type unread struct {
	status int
	fault  fault
}

// readBody reads at most limit bytes.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, *unread) {
	tooLarge := &unread{http.StatusRequestEntityTooLarge, fault{Code: "too_large", Message: "the body is larger than " + size(limit)}}
	if r.ContentLength > limit {
		return nil, tooLarge
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var big *http.MaxBytesError
	switch {
	case errors.As(err, &big):
		return nil, tooLarge
	case err != nil:
		// The sender went away or was too slow; if it can still read, it is to repeat.
		return nil, &unread{http.StatusInternalServerError, fault{Code: "not_read", Message: "the body did not arrive whole; send it again"}}
	}
	return body, nil
}

func size(n int64) string {
	if n >= 1<<20 {
		return itoa(n>>20) + " MiB"
	}
	return itoa(n>>10) + " KiB"
}
