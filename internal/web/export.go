package web

import (
	"bytes"
	"encoding/json"
	"net/http"

	"skand/internal/auth"
)

// export answers with everything that apply stores, as one bundle: what `skand
// export --server` makes its files of. It holds the addresses of destinations, in
// which networks like to put keys, so it is for those who may apply.
func (a *Admin) export(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	if _, ok := query(w, r); !ok {
		return
	}
	b, err := a.Reader.Export(r.Context())
	if err != nil {
		a.failed(w, r, err)
		return
	}
	a.Log.InfoContext(r.Context(), "configuration exported", "by", who.Name)
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(b); err != nil {
		a.failed(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(body.Bytes()) // a caller who went away needs no bundle
}
