package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"skand/forward"
	"skand/internal/auth"
	"skand/internal/store"
)

const (
	maxReplayIDs = 10_000
	// One request does so many batches, to answer in time; asked again it goes on.
	replayBatches    = 50
	dryReplayBatches = 500
	maxReplayKey     = 200
)

// replayRequest is the body of a replay. IDs, or a filter.
type replayRequest struct {
	ID     string        `json:"id"`
	IDs    []string      `json:"ids"`
	Filter *replayFilter `json:"filter"`
	// Delivered is needed for what a receiver has answered 2xx to.
	Delivered bool   `json:"delivered"`
	DryRun    bool   `json:"dry_run"`
	Key       string `json:"key"`
}

type replayFilter struct {
	AppID       int64  `json:"app_id"`
	Destination string `json:"destination"`
	Network     string `json:"network"`
	Kind        string `json:"kind"`
	Event       string `json:"event"`
	State       string `json:"state"`
	Class       string `json:"class"`
	Status      *int   `json:"status"`
	From        string `json:"from"`
	To          string `json:"to"`
}

// query is the filter as the list reads it, so that both refuse the same.
func (f *replayFilter) query() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{
		"destination": f.Destination, "network": f.Network, "kind": f.Kind, "event": f.Event, "state": f.State, "class": f.Class, "from": f.From, "to": f.To,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if f.AppID != 0 {
		q.Set("app", strconv.FormatInt(f.AppID, 10))
	}
	if f.Status != nil {
		q.Set("status", strconv.Itoa(*f.Status))
	}
	return q
}

// asked turns the body into what the store is asked; field names what is wrong.
func (in *replayRequest) asked() (r store.DeliveryReplay, field string, err error) {
	r = store.DeliveryReplay{Delivered: in.Delivered, DryRun: in.DryRun, Key: in.Key, IDs: in.IDs}
	if in.ID != "" {
		r.IDs = append(r.IDs, in.ID)
	}
	slices.Sort(r.IDs)
	r.IDs = slices.Compact(r.IDs)
	switch {
	case len(in.Key) > maxReplayKey:
		return r, "key", fmt.Errorf("want at most %d bytes", maxReplayKey)
	case len(r.IDs) > 0 && in.Filter != nil:
		return r, "filter", errors.New("give ids, or a filter, not both")
	case len(r.IDs) > maxReplayIDs:
		return r, "ids", fmt.Errorf("want at most %d at once; use a filter", maxReplayIDs)
	case len(r.IDs) > 0:
		return r, "", nil
	case in.Filter == nil || *in.Filter == replayFilter{}:
		return r, "filter", errors.New("say which: id, ids, or a filter with destination, network, state, class, status, from or to")
	}
	f, field, err := deliveryFilter(in.Filter.query())
	switch {
	case err != nil:
		return r, "filter." + field, err
	case f.State == forward.StatePending:
		return r, "filter.state", errors.New("what is pending is on its way; want delivered, refused, expired, held or gone")
	case (f.State == forward.StateDelivered || f.Class == forward.ClassOK) && !in.Delivered:
		return r, "delivered", errors.New(`what was delivered is sent again only with "delivered": true: the receiver has to know its ids, or it counts twice`)
	}
	r.Filter = f
	return r, "", nil
}

// replayDeliveries sends deliveries again under their own ids.
func (a *Admin) replayDeliveries(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	if _, ok := query(w, r); !ok {
		return
	}
	var in replayRequest
	if !readRequest(w, r, &in) {
		return
	}
	ask, field, err := in.asked()
	if err != nil {
		problem(w, http.StatusUnprocessableEntity, "invalid", err.Error(), field)
		return
	}
	ask.Batches = replayBatches
	switch {
	case ask.DryRun:
		ask.Batches = dryReplayBatches
	case ask.Key == "":
		ask.Key = uuid.NewString() // so that it can be gone on with
	}
	done, err := a.Deliveries.ReplayDeliveries(r.Context(), ask)
	switch {
	case errors.Is(err, store.ErrReplayKey):
		problem(w, http.StatusConflict, "replay_key", "another replay was asked under this key; use one key for one replay", "key")
	case errors.Is(err, store.ErrReplayBusy):
		problem(w, http.StatusConflict, "replay_running", "this replay is running; ask again to see how far it has come", "key")
	case err != nil:
		a.failed(w, r, err)
	default:
		if done.Replayed > 0 && !done.DryRun && a.Woken != nil {
			a.Woken()
		}
		status := http.StatusOK
		if !done.Finished {
			status = http.StatusAccepted
		}
		writeJSON(w, status, done)
	}
}
