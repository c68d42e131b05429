package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"skand/conversion"
	"skand/internal/auth"
)

// relayName is the form of a network id: it is stored, so it must be text that
// every database takes.
var relayName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]{0,199}$`)

// relayCommit is how many relayed postbacks share a commit.
const relayCommit = 500

// lineAnswer is the answer to one postback of a relay's request.
type lineAnswer struct {
	Index  int    `json:"index"`
	Status string `json:"status"`
	Reason string `json:"reason,omitempty"`
	// Only for what is not one JSON object, and so is not kept: status rejected.
	Code    string `json:"code,omitempty"`
	Field   string `json:"field,omitempty"`
	Message string `json:"message,omitempty"`
}

// relay takes what a network or a vendor passes on: one postback, an array of
// them, or NDJSON, under a token of scope relay, or of relay:NETWORK for one
// network alone. One postback is answered as on Apple's paths; several each by
// their own line.
func (p *Public) relay() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			writeFault(w, http.StatusMethodNotAllowed, fault{Code: "method_not_allowed", Message: "postbacks are sent with POST"})
			return
		}
		who, ok := authenticate(w, r, p.Auth, p.Log)
		if !ok {
			return
		}
		network := strings.ToLower(r.PathValue("network"))
		if !relayName.MatchString(network) {
			writeFault(w, http.StatusNotFound, fault{Code: "not_found", Message: "no network id in the path: letters, digits, dot and hyphen"})
			return
		}
		if !who.Has(auth.ScopeRelay) && !who.Has(auth.ScopeRelayOf(network)) {
			writeFault(w, http.StatusForbidden, fault{Code: "forbidden", Message: "the token lacks the scope relay, or relay:" + network})
			return
		}
		body, bad := readBody(w, r, int64(p.Limits.RelayBody))
		if bad != nil {
			writeFault(w, bad.status, bad.fault)
			return
		}
		lines, many, err := relayLines(body)
		switch {
		case err != nil:
			writeFault(w, http.StatusBadRequest, fault{Code: "not_json", Message: err.Error()})
		case len(lines) > p.Limits.RelayLines:
			writeFault(w, http.StatusRequestEntityTooLarge, fault{Code: "too_many", Message: fmt.Sprintf(
				"at most %d postbacks in one request, not %d", p.Limits.RelayLines, len(lines))})
		default:
			p.relayed(w, r, network, lines, many)
		}
	})
}

// relayLines takes a request apart: an array, one object, or an object a line.
func relayLines(body []byte) (lines [][]byte, many bool, err error) {
	body = bytes.TrimSpace(body)
	if bytes.HasPrefix(body, []byte("[")) {
		var items []json.RawMessage
		if err := json.Unmarshal(body, &items); err != nil {
			return nil, false, fmt.Errorf("want one JSON object, an array of them, or one a line: %w", err)
		}
		for _, raw := range items {
			lines = append(lines, raw)
		}
		return lines, true, nil
	}
	for line := range bytes.Lines(body) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			lines = append(lines, line)
		}
	}
	// One object may be written over several lines; then neither its first nor its
	// last line is JSON by itself.
	if len(lines) > 1 && (json.Valid(lines[0]) || json.Valid(lines[len(lines)-1])) {
		return lines, true, nil
	}
	return [][]byte{body}, false, nil // whatever is wrong with it, its verdict says
}

// relayed keeps the lines, some hundred to a commit, and answers when all are kept.
// A failure in the middle is a 500: what was kept by then is a duplicate next time.
func (p *Public) relayed(w http.ResponseWriter, r *http.Request, network string, lines [][]byte, many bool) {
	answers := make([]lineAnswer, len(lines))
	var arrivals []conversion.Arrival
	var places []int
	flush := func() error {
		if len(arrivals) == 0 {
			return nil
		}
		took := prometheus.NewTimer(nil)
		ctx, cancel := context.WithTimeout(r.Context(), saveTimeout)
		defer cancel()
		outcomes, results, err := p.Receiver.ReceiveAll(ctx, arrivals)
		if err != nil {
			return err
		}
		for j, i := range places {
			if res := results[j]; res.NotObject {
				answers[i] = lineAnswer{Index: i, Status: "rejected", Code: res.Reason, Field: res.Field, Message: res.Message}
				continue
			}
			p.Metrics.postback(results[j], outcomes[j].State, conversion.Relay, took.ObserveDuration())
			answers[i] = lineAnswer{Index: i, Status: string(outcomes[j].State), Reason: outcomes[j].Reason}
		}
		arrivals, places = arrivals[:0], places[:0]
		return nil
	}
	from := client(r, p.Trusted)
	for i, line := range lines {
		if len(line) > p.Limits.Body {
			answers[i] = lineAnswer{Index: i, Status: "rejected", Code: "too_large", Message: "the postback is larger than " + size(int64(p.Limits.Body))}
			continue
		}
		arrivals = append(arrivals, conversion.Arrival{Source: conversion.Relay, Relay: network, Client: from, Body: line})
		places = append(places, i)
		if len(arrivals) == relayCommit || i == len(lines)-1 {
			if err := flush(); err != nil {
				p.relayFailed(w, r, err)
				return
			}
		}
	}
	if err := flush(); err != nil {
		p.relayFailed(w, r, err)
		return
	}
	if many {
		writeJSON(w, http.StatusOK, map[string]any{"results": answers})
		return
	}
	answerOne(w, answers[0])
}

func (p *Public) relayFailed(w http.ResponseWriter, r *http.Request, err error) {
	p.Log.ErrorContext(r.Context(), "relayed postbacks not stored", "error", err)
	writeFault(w, http.StatusInternalServerError, fault{Code: "not_stored", Message: "not all postbacks could be stored; send them again, those that were are duplicates then"})
}

// answerOne answers a single postback as Apple's paths do.
func answerOne(w http.ResponseWriter, a lineAnswer) {
	switch {
	case a.Code == "too_large":
		writeFault(w, http.StatusRequestEntityTooLarge, fault{Code: a.Code, Message: a.Message})
	case a.Status == "rejected":
		writeFault(w, http.StatusBadRequest, fault{Code: a.Code, Message: a.Message, Field: a.Field})
	default:
		writeJSON(w, http.StatusOK, conversion.Outcome{State: conversion.State(a.Status), Reason: a.Reason})
	}
}
