package web

import (
	"net/http"

	"skand/forward"
	"skand/forward/presets"
	"skand/internal/auth"
)

// templates lists the ready-made templates for common receivers.
func (a *Admin) templates(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	if _, ok := query(w, r); !ok {
		return
	}
	list(w, presets.All(), "")
}

// translateTemplate turns another program's template into one of ours.
func (a *Admin) translateTemplate(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	if _, ok := query(w, r); !ok {
		return
	}
	var in struct {
		Text   string `json:"text"`
		Syntax string `json:"syntax"` // absent: detected
	}
	if !readRequest(w, r, &in) {
		return
	}
	text, notes, err := forward.Translate(in.Text, in.Syntax)
	if err != nil {
		problem(w, http.StatusUnprocessableEntity, "invalid", oneLine(err), "syntax")
		return
	}
	if in.Syntax == "" {
		in.Syntax = forward.DetectSyntax(in.Text)
	}
	if notes == nil {
		notes = []forward.Note{}
	}
	writeJSON(w, http.StatusOK, map[string]any{"text": text, "syntax": in.Syntax, "notes": notes})
}
