package web

import (
	"fmt"
	"net/http"
	"time"

	"skand/aggregate"
	"skand/internal/auth"
	"skand/internal/store"
)

// look is what a request wants a schema to be tried on.
type look struct {
	Evidence string    `json:"evidence"`
	From     time.Time `json:"from"` // zero where nothing is said
	To       time.Time `json:"to"`
}

// maxWeeks bounds a range of weeks: a year.
const maxWeeks = 53

// allowed says whether this evidence is there and the role goes as far; false means
// that the answer has been given. Whoever says nothing gets what the least role gets.
func (a *Admin) allowed(w http.ResponseWriter, who auth.Principal, l *look) bool {
	switch l.Evidence {
	case "":
		l.Evidence = evidenceConsented
	case evidenceConsented:
	case evidenceRaw:
		if !who.May(auth.Operator) {
			problem(w, http.StatusForbidden, "forbidden", "raw rows need the role operator or a higher one", "evidence")
			return false
		}
	case evidencePublished:
		if a.Histograms == nil {
			problem(w, http.StatusUnprocessableEntity, "no_evidence", "no histograms are published yet; take consented", "evidence")
			return false
		}
	default:
		problem(w, http.StatusBadRequest, "bad_request",
			fmt.Sprintf("want %s, %s or %s", evidenceConsented, evidencePublished, evidenceRaw), "evidence")
		return false
	}
	return true
}

// ranged fills in the times that were not said. Consented installs are looked at in
// whole weeks that are over for good: what may be asked for can't be shifted by a day
// to see who comes and goes.
func (l *look) ranged(w http.ResponseWriter, now time.Time) bool {
	weekly := l.Evidence == evidenceConsented
	newest := now
	if weekly {
		newest = store.EvidenceEnd(now)
	}
	if l.To.IsZero() {
		l.To = newest
	}
	if l.From.IsZero() {
		l.From = l.To.Add(-simulated)
	}
	bad := func(field, detail string) bool {
		problem(w, http.StatusUnprocessableEntity, "invalid", detail, field)
		return false
	}
	if !l.From.Before(l.To) {
		return bad("from", "want a time before to")
	}
	if !weekly {
		return true
	}
	const monday = "want the beginning of a week, a Monday at midnight UTC, as in "
	begins := func(t time.Time) bool { return aggregate.WindowAt(aggregate.Week, t).Start.Equal(t) }
	switch {
	case !begins(l.To): // first: from may have been counted from it
		return bad("to", monday+newest.Format(time.RFC3339))
	case !begins(l.From):
		return bad("from", monday+newest.Format(time.RFC3339))
	case l.To.After(newest):
		return bad("to", fmt.Sprintf("want %s or earlier: later installs have not lived through their 35 days", newest.Format(time.RFC3339)))
	case l.To.Sub(l.From) > maxWeeks*7*24*time.Hour:
		return bad("from", fmt.Sprintf("want up to %d weeks", maxWeeks))
	}
	l.From, l.To = l.From.UTC(), l.To.UTC()
	return true
}

// mayLook lets one look at consented installs at a time, for each may fill much of
// the memory; false means that the answer has been given.
func (a *Admin) mayLook(w http.ResponseWriter, r *http.Request) bool {
	if inBackground(r.Context()) { // it has time to wait for its turn
		a.looking.Lock()
		return true
	}
	if a.looking.TryLock() {
		// A large cohort takes longer than answers may; the bounds of the store end it.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // without, it may be cut off
		return true
	}
	w.Header().Set("Retry-After", "5")
	problem(w, http.StatusServiceUnavailable, "busy", "somebody else's simulation is running; try again in a few seconds", "")
	return false
}
