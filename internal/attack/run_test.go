package attack

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/fixtures/traffic"
	"skand/internal/apply"
	"skand/internal/auth"
)

// play lets the quarter happen: a bucket of bodies at a time, a decode every day, a
// seal after every week, and what operators do in between.
func (w *world) play() {
	w.t.Helper()
	letters := w.q.letters
	for number := range weeks {
		monday := begin.Add(time.Duration(number) * week)
		for at := monday; at.Before(monday.Add(week)); at = at.Add(bucket) {
			n := 0
			for n < len(letters) && letters[n].at.Before(at.Add(bucket)) {
				n++
			}
			w.now.Set(at.Add(bucket - time.Minute))
			w.receive(letters[:n])
			letters = letters[n:]
			if at.Equal(monday.Add(2 * day)) {
				w.report(number)
			}
			if at.Hour() == 0 {
				w.decode()
			}
		}
		w.operate(number)
		w.decode()
		w.now.Set(monday.Add(week + time.Hour))
		w.seal()
		w.operateSealed(number)
		if number == 6 || number == weeks-1 {
			require.Positive(w.t, w.model())
			w.look()
		}
	}
}

// operate is what people change during a week: for the next window not yet begun.
func (w *world) operate(number int) {
	switch number {
	case 2: // one value's meaning changes
		w.q = &quarter{apple: w.q.apple, letters: w.q.letters, lateKeys: w.q.lateKeys, schemas: map[int64]json.RawMessage{
			weeklyApp: w.paysAtOne(), dailyApp: w.q.schemas[dailyApp],
		}}
		w.register(nil)
	case 5: // k, b and depth toggled, and back again
		w.register(func(apps map[int64]*apply.App) {
			apps[weeklyApp].K, apps[weeklyApp].B, apps[weeklyApp].Depth = ptr(30), ptr(4), ptr(3)
		})
	case 7: // a key becomes known: what it signed is verified late
		trusted, err := traffic.TrustedKeys(w.q.apple)
		require.NoError(w.t, err)
		w.trust(append(trusted, w.q.lateKeys)...)
		done, err := conversion.Replay(w.t.Context(), w.store, w.verifier, conversion.ReplayFilter{
			States: []conversion.State{conversion.Unsupported},
		}, false)
		require.NoError(w.t, err)
		require.Equal(w.t, 12, done.States[conversion.Accepted], "%v", done.States)
		w.truth.verifiedLate(w.verifier, w.now.Now())
	case 1: // from days to weeks, and back
		w.register(func(apps map[int64]*apply.App) { apps[dailyApp].Window = "week" })
	case 3, 6:
		w.register(nil)
	}
}

// paysAtOne is the weekly app's schema with value 1 saying that its phone paid.
func (w *world) paysAtOne() json.RawMessage {
	var d map[string]any
	require.NoError(w.t, json.Unmarshal(w.q.schemas[weeklyApp], &d))
	rows := d["windows"].([]any)[0].(map[string]any)["fine"].([]any)
	one := rows[1].(map[string]any)
	one["events"] = append(one["events"].([]any), map[string]any{"name": "purchase", "revenue_min": "0.01", "revenue_max": "2"})
	text, err := json.Marshal(d)
	require.NoError(w.t, err)
	return text
}

// operateSealed is what people do to windows that are sealed.
func (w *world) operateSealed(number int) {
	if number != 4 && number != 9 {
		return
	}
	for _, id := range w.releasesOf(weeklyApp, number) {
		status, _, body := w.ask(w.t, auth.Operator, http.MethodPost, "/v1/releases/"+id+":redecode", `{"schema_version": 1}`)
		require.Equal(w.t, http.StatusCreated, status, "%s", body)
		w.redecoded = append(w.redecoded, id)
		status, _, _ = w.ask(w.t, auth.Operator, http.MethodPost, "/v1/releases/"+id+":redecode", `{"schema_version": 1}`)
		require.Equal(w.t, http.StatusConflict, status, "a window is decoded again once")
	}
	w.look()
}

// releasesOf are the first dataset's base releases of the app that end with the week.
func (w *world) releasesOf(app int64, number int) (ids []string) {
	end := begin.Add(time.Duration(number+1) * week)
	for _, r := range newView(w.t, w.snapshots[len(w.snapshots)-1]).releases {
		if r.app == app && r.index == 0 && r.conversion == "install" && r.kind == "base" && r.end.Equal(end) && !strings.Contains(r.id, "redecode") {
			ids = append(ids, r.id)
		}
	}
	return ids
}
