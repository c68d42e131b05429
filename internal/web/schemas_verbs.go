package web

import (
	"net/http"
	"strings"
)

// verb splits a pattern such as "POST /v1/x/{id}:publish" into the pattern that the
// mux knows, "POST /v1/x/{id}", and the verb at its end; "" where there is none.
func verb(pattern string) (base, name string) {
	if at := strings.LastIndex(pattern, "}:"); at >= 0 {
		return pattern[:at+1], pattern[at+2:]
	}
	return pattern, ""
}

// verbs serves the routes of one path that differ in the verb only: the mux matches
// whole segments. The handlers find the segment without its verb.
func verbs(base string, by map[string]http.Handler) http.Handler {
	name := base[strings.LastIndex(base, "{")+1 : len(base)-1]
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		value := r.PathValue(name)
		at := strings.LastIndex(value, ":")
		h, ok := by[value[at+1:]]
		if at < 0 || !ok {
			nothingHere(w, r)
			return
		}
		r.SetPathValue(name, value[:at])
		h.ServeHTTP(w, r)
	})
}

func nothingHere(w http.ResponseWriter, _ *http.Request) {
	problem(w, http.StatusNotFound, "not_found", "nothing is served at this path with this method", "")
}
