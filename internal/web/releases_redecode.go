package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"skand/aggregate"
	"skand/internal/auth"
	"skand/internal/store"
)

// Redecoder reads a published base release by another schema version and publishes
// what it then says. Its errors are *aggregate.RedecodeRefused and
// *aggregate.InTheWayError; any other is the store's own fault. It tells the audit log
// itself.
type Redecoder interface {
	Redecode(ctx context.Context, releaseID string, version int) (aggregate.Release, error)
}

// redecoded is the answer: the redecode's line of the public ledger.
type redecoded struct {
	store.Release
	Base string `json:"base"` // the release that it was made of
}

func (a *Admin) redecode(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	if _, ok := query(w, r); !ok {
		return
	}
	var in struct {
		SchemaVersion int `json:"schema_version"`
	}
	if !readRequest(w, r, &in) {
		return
	}
	if in.SchemaVersion <= 0 {
		problem(w, http.StatusUnprocessableEntity, "invalid", "want the number of a schema version of the app", "schema_version")
		return
	}
	base := r.PathValue("release")
	done, err := a.Redecoder.Redecode(r.Context(), base, in.SchemaVersion)
	if err != nil {
		a.redecodeFailed(w, r, err)
		return
	}
	a.Log.InfoContext(r.Context(), "release decoded again", "by", who.Name, "release", done.ID, "version", in.SchemaVersion)
	writeJSON(w, http.StatusCreated, redecoded{Base: base, Release: store.Release{
		ID: done.ID, AppID: done.Dataset.AppID, Dataset: done.Dataset.String(), Kind: done.Kind,
		WindowStart: store.Stamp(done.WindowStart), WindowEnd: store.Stamp(done.Window.End), K: done.K, B: done.B,
		SchemaVersions: strconv.Itoa(in.SchemaVersion), Lab: done.Lab, SealedAt: store.Stamp(done.SealedAt),
	}})
}

// redecodeFailed names what stands in the way: the window and its release, or the
// reason for which this one can't be read again.
func (a *Admin) redecodeFailed(w http.ResponseWriter, r *http.Request, err error) {
	var refused *aggregate.RedecodeRefused
	var inTheWay *aggregate.InTheWayError
	switch {
	case errors.As(err, &inTheWay):
		problemWith(w, http.StatusConflict, "in_the_way", inTheWay.Error(), "release", map[string]any{
			"in_the_way": inTheWay.InTheWay, "state": inTheWay.State,
			"window_start": store.Stamp(inTheWay.Window.Start), "window_end": store.Stamp(inTheWay.Window.End),
		})
	case !errors.As(err, &refused):
		a.failed(w, r, err)
	case refused.Reason == aggregate.RefusedUnknown:
		problem(w, http.StatusNotFound, refused.Reason, refused.Error(), "release")
	case slices.Contains([]string{aggregate.RefusedVersion, aggregate.RefusedCurrency, aggregate.RefusedSame}, refused.Reason):
		problem(w, http.StatusUnprocessableEntity, refused.Reason, refused.Error(), "schema_version")
	default:
		problem(w, http.StatusConflict, refused.Reason, refused.Error(), "release")
	}
}
