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

// Intake keeps consented items; each reports false for an id that is known.
type Intake interface {
	Click(ctx context.Context, c *conversion.Click) (bool, error)
	Install(ctx context.Context, in *conversion.Install) (bool, error)
	Event(ctx context.Context, e *conversion.Event) (bool, error)
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// itemAnswer is the answer to one item.
type itemAnswer struct {
	Index   *int   `json:"index,omitempty"`
	ID      string `json:"id"`
	Status  string `json:"status"`
	Code    string `json:"code,omitempty"`
	Field   string `json:"field,omitempty"`
	Message string `json:"message,omitempty"`
}

// take reads and keeps one item of a kind.
type take func(ctx context.Context, raw json.RawMessage) (id string, accepted bool, err error)

// Items reads and keeps consented items; an import takes the same way as a request.
type Items struct {
	Intake Intake
	Now    func() time.Time // items from after it are refused
}

func (p *Public) routeS2S(mux *http.ServeMux) {
	mux.Handle("/v1/clicks", p.s2s(p.Items.Click))
	mux.Handle("/v1/installs", p.s2s(p.Items.Install))
	mux.Handle("/v1/events", p.s2s(p.Items.Event))
}

// Click keeps one click.
func (k Items) Click(ctx context.Context, raw json.RawMessage) (string, bool, error) {
	var c conversion.Click
	if err := decodeItem(raw, &c); err != nil {
		return c.ID, false, err
	}
	if rej := c.Check(k.Now()); rej != nil {
		return c.ID, false, rej
	}
	ok, err := k.Intake.Click(ctx, &c)
	return c.ID, ok, err
}

// Install keeps one install.
func (k Items) Install(ctx context.Context, raw json.RawMessage) (string, bool, error) {
	var in conversion.Install
	if err := decodeItem(raw, &in); err != nil {
		return in.ID, false, err
	}
	if rej := in.Check(k.Now()); rej != nil {
		return in.ID, false, rej
	}
	ok, err := k.Intake.Install(ctx, &in)
	return in.ID, ok, err
}

// Event keeps one event.
func (k Items) Event(ctx context.Context, raw json.RawMessage) (string, bool, error) {
	var e conversion.Event
	if err := decodeItem(raw, &e); err != nil {
		return e.ID, false, err
	}
	if rej := e.Check(k.Now()); rej != nil {
		return e.ID, false, rej
	}
	ok, err := k.Intake.Event(ctx, &e)
	return e.ID, ok, err
}

func (p *Public) s2s(t take) http.Handler {
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
		p.answerItems(w, r, body, t)
	})
}

func (p *Public) answerItems(w http.ResponseWriter, r *http.Request, body []byte, t take) {
	body = bytes.TrimSpace(body)
	if !bytes.HasPrefix(body, []byte("[")) {
		a, err := p.item(r.Context(), body, t)
		switch {
		case err != nil:
			p.notStored(w, r, err)
		case a.Status == "rejected":
			writeJSON(w, http.StatusBadRequest, a)
		default:
			writeJSON(w, http.StatusOK, a)
		}
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
	results := make([]itemAnswer, 0, len(items))
	for i, raw := range items {
		a, err := p.item(r.Context(), raw, t)
		if err != nil {
			p.notStored(w, r, err)
			return
		}
		a.Index = &i
		results = append(results, a)
	}
	writeJSON(w, http.StatusOK, map[string]any{"results": results})
}

// notStored answers when the store failed in the middle: repeating is harmless,
// for every id is kept once.
func (p *Public) notStored(w http.ResponseWriter, r *http.Request, err error) {
	p.Log.ErrorContext(r.Context(), "items not stored", "error", err)
	writeFault(w, http.StatusInternalServerError, fault{Code: "not_stored", Message: "not everything could be stored; send it again, ids make that harmless"})
}

// item keeps one item; the error is the store's, never the item's.
func (p *Public) item(ctx context.Context, raw json.RawMessage, t take) (itemAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, saveTimeout)
	defer cancel()
	id, accepted, err := t(ctx, raw)
	var rej *conversion.Rejection
	switch {
	case errors.As(err, &rej):
		return itemAnswer{ID: id, Status: "rejected", Code: rej.Code, Field: rej.Field, Message: rej.Error()}, nil
	case err != nil:
		return itemAnswer{}, err
	case accepted:
		return itemAnswer{ID: id, Status: "accepted"}, nil
	default:
		return itemAnswer{ID: id, Status: "duplicate"}, nil
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
