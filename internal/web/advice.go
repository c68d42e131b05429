package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"skand/aggregate"
	"skand/internal/auth"
	"skand/internal/store"
)

// Adviser tells what other settings would have shown. Its errors are store.ErrNoApp
// and aggregate.ErrTooFew; any other is its own fault.
type Adviser interface {
	Advise(ctx context.Context, d aggregate.Dataset) ([]aggregate.Outlook, error)
}

// Advice remembers what it was told: an advice cuts the same weeks dozens of times,
// and says the same until the next week has closed.
type Advice struct {
	ask    Adviser
	now    func() time.Time
	flight singleflight.Group // of told

	mu    sync.Mutex
	known map[aggregate.Dataset]told
}

type told struct {
	span     aggregate.Window
	outlooks []aggregate.Outlook
}

const maxAdvice = 256 // datasets to remember

// NewAdvice answers from an adviser.
func NewAdvice(ask Adviser, now func() time.Time) *Advice {
	return &Advice{ask: ask, now: now, known: map[aggregate.Dataset]told{}}
}

func (a *Advice) of(ctx context.Context, d aggregate.Dataset) (told, error) {
	span := aggregate.AdviceSpan(a.now())
	a.mu.Lock()
	t, ok := a.known[d]
	a.mu.Unlock()
	if ok && t.span == span {
		return t, nil
	}
	v, err, _ := a.flight.Do(fmt.Sprint(d, span.End), func() (any, error) {
		outlooks, err := a.ask.Advise(ctx, d)
		if err != nil {
			return nil, err
		}
		t := told{span, outlooks}
		a.mu.Lock()
		defer a.mu.Unlock()
		if len(a.known) >= maxAdvice {
			clear(a.known)
		}
		a.known[d] = t
		return t, nil
	})
	if err != nil {
		return told{}, err
	}
	t, _ = v.(told) // nothing else flies here
	return t, nil
}

// advice answers GET /v1/apps/{app}/advice: rounded shares, for editors.
func (a *Admin) advice(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	q, ok := query(w, r, "dataset")
	if !ok {
		return
	}
	appID, ok := pathApp(w, r)
	if !ok {
		return
	}
	f := store.CohortFilter{}
	if text := q.Get("dataset"); text != "" {
		if err := readDataset(text, &f); err != nil {
			problem(w, http.StatusBadRequest, "bad_parameter", err.Error(), "dataset")
			return
		}
	}
	d := aggregate.Dataset{
		AppID: appID, Kind: cmp.Or(f.Kind, aggregate.KindInstall), Environment: cmp.Or(f.Environment, aggregate.EnvProduction),
	}
	if f.Index != nil {
		d.SequenceIndex = *f.Index
	}
	t, err := a.Advice.of(r.Context(), d)
	switch {
	case errors.Is(err, store.ErrNoApp):
		a.schemaFailed(w, r, err)
	case errors.Is(err, aggregate.ErrTooFew):
		problem(w, http.StatusConflict, "too_few", err.Error()+"; ask again when there are more", "")
	case err != nil:
		a.failed(w, r, err)
	default:
		writeJSON(w, http.StatusOK, map[string]any{"from": t.span.Start, "to": t.span.End, "data": t.outlooks})
	}
}
