package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"skand/internal/store"
)

// maxEvents bounds how many columns an answer gets.
const maxEvents = 50

// errDoesNotAdd is returned for sums whose bounds nobody has computed.
var errDoesNotAdd = errors.New("bounds do not add")

// readModeled reads modeled=true and events=a,b, and refuses what has no honest number.
func (ask *cohortAsk) readModeled(q url.Values) (field string, err error) {
	switch q.Get("modeled") {
	case "true":
		ask.modeled = &store.Estimates{}
	case "false", "":
		if q.Has("modeled") && q.Get("modeled") == "" {
			return "modeled", errors.New(`want true or false, got ""`)
		}
		if q.Has("events") {
			return "events", errors.New("are modelled here: give modeled=true with them")
		}
		return "", nil
	default:
		return "modeled", fmt.Errorf("want true or false, got %q", q.Get("modeled"))
	}
	if q.Has("events") {
		names := strings.Split(q.Get("events"), ",")
		for i, name := range names {
			if name == "" || strings.ContainsRune(name, 0) || slices.Contains(names[:i], name) {
				return "events", fmt.Errorf("want names of events, each once, with commas between them, got %q", q.Get("events"))
			}
		}
		if len(names) > maxEvents {
			return "events", fmt.Errorf("want at most %d names, got %d", maxEvents, len(names))
		}
		ask.modeled.Events = names
	}
	if ask.group == nil {
		return "", nil
	}
	return ask.rollupOnly()
}

// rollupOnly refuses sums that no roll-up is of. A sum of estimates could be given, but
// not its bounds, and an estimate without them would be read as a count.
func (ask *cohortAsk) rollupOnly() (field string, err error) {
	_, period, err := ask.group.RollupLevel()
	if err != nil {
		return "group", fmt.Errorf("%w: %w", errDoesNotAdd, err)
	}
	f := ask.filter
	switch {
	case f.Level != "":
		return "level", fmt.Errorf("%w: sums of one level only are no roll-up; leave it out", errDoesNotAdd)
	case f.NetworkID != "" && !slices.Contains(ask.group, "network"):
		return "network", fmt.Errorf("%w: the roll-ups of one network are with group=network; add it", errDoesNotAdd)
	case !store.WholePeriods(period, f.From, f.To):
		return "from", fmt.Errorf("%w: a part of a %s is no roll-up; let from and to be the beginning of one, or leave them out", errDoesNotAdd, period)
	}
	return "", nil
}

// badParameter answers what a reader of parameters has found.
func badParameter(w http.ResponseWriter, field string, err error) {
	if errors.Is(err, errDoesNotAdd) {
		problem(w, http.StatusUnprocessableEntity, "bounds_do_not_add", err.Error(), field)
		return
	}
	problem(w, http.StatusBadRequest, "bad_parameter", err.Error(), field)
}

// rows gives what was asked for: rows or sums, with estimates or without.
func (ask *cohortAsk) rows(ctx context.Context, look *store.CohortLook, limit int, each func([]any) error) error {
	switch {
	case ask.group != nil && ask.modeled != nil:
		return look.SumsEstimated(ctx, ask.group, *ask.modeled, ask.skip, limit, each)
	case ask.group != nil:
		return look.Sums(ctx, ask.group, ask.skip, limit, each)
	case ask.modeled != nil:
		return look.RowsEstimated(ctx, *ask.modeled, ask.after, limit, each)
	}
	return look.Rows(ctx, ask.after, limit, each)
}

// table are the columns of the answer.
func (ask *cohortAsk) table() []store.Column {
	table := store.CohortTable()
	if ask.group != nil {
		table = ask.group.Table()
	}
	if ask.modeled != nil {
		table = append(table, ask.modeled.Columns()...)
	}
	return table
}

// releases gives the lines of the ledger that a page is from; where estimates are beside
// its rows, those of the model too.
func (ask *cohortAsk) releases(ctx context.Context, look *store.CohortLook, after, upto *store.CohortPlace, each func(*store.Release) error) error {
	type window struct {
		dataset string
		end     store.Stamp
	}
	seen := map[window]bool{}
	err := look.Releases(ctx, after, upto, func(r *store.Release) error {
		if ask.modeled != nil {
			seen[window{r.Dataset, r.WindowEnd}] = true
		}
		return each(r)
	})
	if err != nil || ask.modeled == nil {
		return err
	}
	return look.ModelReleases(ctx, func(r *store.Release) error {
		if !seen[window{r.Dataset, r.WindowEnd}] {
			return nil
		}
		return each(r)
	})
}
