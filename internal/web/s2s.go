package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"skand/conversion"
	"skand/internal/auth"
)

// Intake keeps consented items, in their order; an error means that not all are known
// to be kept.
type Intake interface {
	Clicks(ctx context.Context, clicks []*conversion.Click) ([]conversion.Taken, error)
	Installs(ctx context.Context, installs []*conversion.Install) ([]conversion.Taken, error)
	Events(ctx context.Context, events []*conversion.Event) ([]conversion.Taken, error)
	Consents(ctx context.Context, reports []*conversion.ConsentReport) ([]conversion.Taken, error)
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// itemAnswer is the answer to one item.
type itemAnswer struct {
	Index    *int     `json:"index,omitempty"`
	ID       string   `json:"id"`
	Status   string   `json:"status"`
	Code     string   `json:"code,omitempty"`
	Field    string   `json:"field,omitempty"`
	Message  string   `json:"message,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
}

// Take reads and keeps items of one kind, each with its own answer; the error is the
// store's, never an item's.
type Take func(ctx context.Context, raws []json.RawMessage) ([]conversion.Taken, error)

// Items reads and keeps consented items; an import takes the same way as a request.
type Items struct {
	Intake Intake
	Now    func() time.Time // items from after it are refused
}

// Takers are the ways in, by their path.
func (k Items) Takers() map[string]Take {
	return map[string]Take{
		"/v1/clicks": func(ctx context.Context, raws []json.RawMessage) ([]conversion.Taken, error) {
			return takeItems(ctx, raws, k.Now, k.Intake.Clicks, func(c *conversion.Click) string { return c.ID })
		},
		"/v1/installs": func(ctx context.Context, raws []json.RawMessage) ([]conversion.Taken, error) {
			return takeItems(ctx, raws, k.Now, k.Intake.Installs, func(in *conversion.Install) string { return in.ID })
		},
		"/v1/events": func(ctx context.Context, raws []json.RawMessage) ([]conversion.Taken, error) {
			return takeItems(ctx, raws, k.Now, k.Intake.Events, func(e *conversion.Event) string { return e.ID })
		},
		"/v1/consents": func(ctx context.Context, raws []json.RawMessage) ([]conversion.Taken, error) {
			return takeItems(ctx, raws, k.Now, k.Intake.Consents, func(c *conversion.ConsentReport) string { return c.ID })
		},
	}
}

func (p *Public) routeS2S(mux *http.ServeMux) {
	for path, t := range p.Items.Takers() {
		mux.Handle(path, p.s2s(t))
	}
}

// item is what the kinds of items have in common.
type item[T any] interface {
	*T
	Check(now time.Time) *conversion.Rejection
	Arrive(now time.Time)
}

// takeItems reads each item, and keeps together those that can be read.
func takeItems[T any, P item[T]](ctx context.Context, raws []json.RawMessage, clock func() time.Time,
	keep func(context.Context, []*T) ([]conversion.Taken, error), id func(*T) string,
) ([]conversion.Taken, error) {
	answers := make([]conversion.Taken, len(raws))
	items, places := make([]*T, 0, len(raws)), make([]int, 0, len(raws))
	now := clock()
	for i, raw := range raws {
		one := new(T)
		err := decodeItem(raw, one)
		if err == nil {
			if rej := P(one).Check(now); rej != nil {
				err = rej
			}
		}
		var rej *conversion.Rejection
		if errors.As(err, &rej) {
			answers[i] = conversion.Taken{ID: id(one), Rejected: rej}
			continue
		}
		if err != nil {
			return nil, err
		}
		P(one).Arrive(now)
		items, places = append(items, one), append(places, i)
	}
	if len(items) == 0 {
		return answers, nil
	}
	kept, err := keep(ctx, items)
	if err != nil {
		return nil, err
	}
	for i, k := range kept {
		answers[places[i]] = k
	}
	return answers, nil
}

func (p *Public) s2s(t Take) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			writeFault(w, http.StatusMethodNotAllowed, fault{Code: "method_not_allowed", Message: "send with POST"})
			return
		}
		who, ok := authenticate(w, r, p.Auth, p.Log)
		if !ok {
			return
		}
		if !who.Has(auth.ScopeS2S) {
			writeFault(w, http.StatusForbidden, fault{Code: "forbidden", Message: "the token lacks the scope s2s"})
			return
		}
		body, bad := readBody(w, r, maxS2S)
		if bad != nil {
			writeFault(w, bad.status, bad.fault)
			return
		}
		p.answerItems(w, r, body, ofApps(who, t))
	})
}

// ofApps takes items of the apps that a token is for, and refuses others one by one.
func ofApps(who auth.Principal, t Take) Take {
	if !who.Restricted() {
		return t
	}
	return func(ctx context.Context, raws []json.RawMessage) ([]conversion.Taken, error) {
		answers := make([]conversion.Taken, len(raws))
		var allowed []json.RawMessage
		var places []int
		for i, raw := range raws {
			var in struct {
				ID    string `json:"id"`
				AppID int64  `json:"app_id"`
			}
			// What can't be read is refused for that, by the reader of the items.
			if json.Unmarshal(raw, &in) == nil && !who.MayApp(in.AppID) {
				answers[i] = conversion.Taken{ID: in.ID, Rejected: &conversion.Rejection{
					Code: "forbidden_app", Field: "app_id", Message: "the token is not for this app"}}
				continue
			}
			allowed, places = append(allowed, raw), append(places, i)
		}
		if len(allowed) == 0 {
			return answers, nil
		}
		taken, err := t(ctx, allowed)
		for i, one := range taken {
			answers[places[i]] = one
		}
		return answers, err
	}
}

func (p *Public) answerItems(w http.ResponseWriter, r *http.Request, body []byte, t Take) {
	body = bytes.TrimSpace(body)
	if !bytes.HasPrefix(body, []byte("[")) {
		taken, err := p.keep(r.Context(), []json.RawMessage{body}, t)
		if err != nil {
			p.notStored(w, r, err)
			return
		}
		a, status := answerItem(taken[0]), http.StatusOK
		if taken[0].Rejected != nil {
			status = http.StatusBadRequest
		}
		writeJSON(w, status, a)
		return
	}
	var items []json.RawMessage
	if err := json.Unmarshal(body, &items); err != nil {
		writeFault(w, http.StatusBadRequest, fault{Code: "not_json", Message: "want one JSON object or an array of them: " + err.Error()})
		return
	}
	if len(items) > p.Limits.S2SItems {
		writeFault(w, http.StatusRequestEntityTooLarge, fault{Code: "too_many", Message: fmt.Sprintf(
			"at most %d items in one request, not %d", p.Limits.S2SItems, len(items))})
		return
	}
	taken, err := p.keep(r.Context(), items, t)
	if err != nil {
		p.notStored(w, r, err)
		return
	}
	results := make([]itemAnswer, len(taken))
	for i, one := range taken {
		results[i] = answerItem(one)
		results[i].Index = &i
	}
	writeJSON(w, http.StatusOK, map[string]any{"results": results})
}

// notStored answers when the store failed in the middle: repeating is harmless,
// for every id is kept once.
func (p *Public) notStored(w http.ResponseWriter, r *http.Request, err error) {
	p.Log.ErrorContext(r.Context(), "items not stored", "error", err)
	writeFault(w, http.StatusInternalServerError, fault{Code: "not_stored", Message: "not everything could be stored; send it again, ids make that harmless"})
}

// itemTimeout is what each item of an array may add to the time of one.
const itemTimeout = 50 * time.Millisecond

func (p *Public) keep(ctx context.Context, raws []json.RawMessage, t Take) ([]conversion.Taken, error) {
	ctx, cancel := context.WithTimeout(ctx, saveTimeout+time.Duration(len(raws))*itemTimeout)
	defer cancel()
	return t(ctx, raws)
}

func answerItem(t conversion.Taken) itemAnswer {
	switch rej := t.Rejected; {
	case rej != nil:
		return itemAnswer{ID: t.ID, Status: "rejected", Code: rej.Code, Field: rej.Field, Message: rej.Error()}
	case t.Accepted:
		return itemAnswer{ID: t.ID, Status: "accepted", Warnings: t.Warnings}
	default:
		return itemAnswer{ID: t.ID, Status: "duplicate"}
	}
}

// authenticate answers 401 (or 503 when nobody can tell) and reports false unless
// the request bears a known token.
func authenticate(w http.ResponseWriter, r *http.Request, a Authenticator, log interface {
	ErrorContext(ctx context.Context, msg string, args ...any)
}) (auth.Principal, bool) {
	who, err := a.Authenticate(r.Context(), auth.Bearer(r.Header.Get("Authorization")))
	switch {
	case err == nil:
		return who, true
	case errors.Is(err, auth.ErrNoToken), errors.Is(err, auth.ErrBadToken):
		w.Header().Set("WWW-Authenticate", `Bearer realm="skand"`)
		writeFault(w, http.StatusUnauthorized, fault{Code: "unauthorized", Message: err.Error()})
	default:
		log.ErrorContext(r.Context(), "token not checked", "error", err)
		writeFault(w, http.StatusServiceUnavailable, fault{Code: "unavailable", Message: "tokens can't be checked now; try again"})
	}
	return auth.Principal{}, false
}
