package main

import (
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
)

// dayReference knows the rules of docs/attribution.md a second time, and nothing of
// the program: it keeps every fact in plain lists and looks through all of them for
// every question. Times are milliseconds.
type dayReference struct {
	now      int64
	tests    []string
	clicks   []*refClick
	installs []*refInstall
	events   []*refEvent
	changes  []refChange
	ids      map[string]bool   // kind, app and id of what was taken
	known    map[string]bool   // destination and conversion of what was handed over
	due      map[string]string // handed over: destination and conversion -> app and install
}

type refClick struct {
	app                                 int64
	id, network, campaign, action, idfa string
	at                                  int64
	usedBy                              *refInstall
}

type refInstall struct {
	app                   int64
	id, names, idfa, idfv string
	at                    int64
	reinstall, test       bool
	att                   string
	limited               bool
	bare                  bool // its identifiers are gone for good
	neverAllowed          bool // they were never there
	is                    refDecision
}

// refDecision is what has to agree.
type refDecision struct {
	Attributed                                              bool
	Click, Network, Campaign, Action, Method, Reason, Flags string
	Reengaged                                               string
	Test                                                    bool
}

type refEvent struct {
	app         int64
	id, install string
	name        string
	at          int64
	amount      *big.Rat // in dollars; nil: none, or nobody knows
	paid        bool
}

type refChange struct {
	app     int64
	install string
	at      int64
	att     string
	limited bool
	gdpr    string // "", no, yes
}

func newDayReference(tests []string) *dayReference {
	return &dayReference{tests: tests, ids: map[string]bool{}, known: map[string]bool{}, due: map[string]string{}}
}

// take is the answer to an item: accepted, duplicate or the code of its rejection.
func (r *dayReference) take(i dayItem) string {
	switch {
	case i.click != nil:
		return r.takeClick(i.click)
	case i.install != nil:
		return r.takeInstall(i.install)
	case i.event != nil:
		return r.takeEvent(i.event)
	default:
		return r.takeConsent(i.consent)
	}
}

// clamp brings a time that is ahead back to now; code says why it can't be taken.
func (r *dayReference) clamp(t time.Time) (at int64, code string) {
	const day = 24 * 60 * 60 * 1000
	at = t.UnixMilli()
	switch {
	case at > r.now+day:
		return 0, "in_the_future"
	case at < r.now-400*day:
		return 0, "too_late"
	}
	return min(at, r.now), ""
}

func (r *dayReference) first(kind string, app int64, id string) bool {
	key := kind + "/" + strconv.FormatInt(app, 10) + "/" + id
	again := r.ids[key]
	r.ids[key] = true
	return !again
}

func device(id string) string {
	if id = strings.ToLower(id); strings.Trim(id, "0-") == "" {
		return ""
	}
	return id
}

func (r *dayReference) takeClick(c *dayClick) string {
	at, code := r.clamp(c.Time)
	if code != "" {
		return code
	}
	if !r.first("click", c.App, c.ID) {
		return "duplicate"
	}
	one := &refClick{
		app: c.App, id: c.ID, network: strings.ToLower(c.Network), campaign: c.Campaign, action: "click", at: at, idfa: device(c.IDFA),
	}
	if c.Interaction == "view" {
		one.action = "view"
	}
	r.clicks = append(r.clicks, one)
	var wait []*refInstall
	for _, in := range r.installs {
		mine := in.idfa != "" && in.idfa == one.idfa && one.at <= in.at
		if in.app == c.App && !in.is.Attributed && (in.names == c.ID || mine) {
			wait = append(wait, in)
		}
	}
	slices.SortFunc(wait, func(a, b *refInstall) int {
		if a.at != b.at {
			return int(a.at - b.at)
		}
		return strings.Compare(a.id, b.id)
	})
	for _, in := range wait {
		r.decide(in)
		r.handOver(in)
	}
	return "accepted"
}

func (r *dayReference) takeInstall(i *dayInstall) string {
	at, code := r.clamp(i.Time)
	if code != "" {
		return code
	}
	if !r.first("install", i.App, i.ID) {
		return "duplicate"
	}
	in := &refInstall{app: i.App, id: i.ID, at: at, names: i.ClickID, idfa: device(i.IDFA), idfv: device(i.IDFV), reinstall: i.Reinstall}
	for _, t := range r.tests {
		in.test = in.test || i.App == dayApp && (t == i.ID || device(t) == in.idfa || device(t) == in.idfv)
	}
	gdpr := ""
	if i.GDPR {
		gdpr = "no"
		if slices.Contains(i.Purposes, 1) && slices.Contains(i.Purposes, 7) {
			gdpr = "yes"
		}
	}
	r.changes = append(r.changes, refChange{i.App, i.ID, at, i.ATT, i.Limited, gdpr})
	r.installs = append(r.installs, in)
	r.stand(in)
	in.neverAllowed = in.bare
	r.decide(in)
	r.handOver(in)
	return "accepted"
}

func (r *dayReference) takeEvent(e *dayEvent) string {
	at, code := r.clamp(e.Time)
	if code != "" {
		return code
	}
	key := e.ID
	if key == "" {
		key = "by what it says " + e.Install + " " + e.Name + " " + strconv.FormatInt(e.Time.UnixMilli(), 10)
	}
	if !r.first("event", e.App, key) {
		return "duplicate"
	}
	one := &refEvent{app: e.App, id: key, install: e.Install, name: e.Name, at: at}
	if e.Revenue != "" {
		one.paid = true
		amount, _ := new(big.Rat).SetString(e.Revenue)
		perDollar, known := map[string]*big.Rat{"USD": big.NewRat(1, 1), "EUR": big.NewRat(4, 5), "JPY": big.NewRat(150, 1)}[e.Currency]
		if known {
			one.amount = new(big.Rat).Quo(amount, perDollar)
		}
	}
	r.events = append(r.events, one)
	for _, in := range r.installs {
		if in.app == e.App && in.id == e.Install {
			r.sendEvent(in, one)
		}
	}
	return "accepted"
}

func (r *dayReference) takeConsent(c *dayConsent) string {
	at, code := r.clamp(c.Time)
	if code != "" {
		return code
	}
	key := c.ID
	if key == "" {
		key = "by what it says " + c.Install + " " + strconv.FormatInt(at, 10)
	}
	if !r.first("consent", c.App, key) {
		return "duplicate"
	}
	ch := refChange{app: c.App, install: c.Install, at: at, att: c.ATT, limited: c.Limited != nil}
	if c.GDPR != nil {
		ch.gdpr = "no" // nobody in this world gives both purposes later
	}
	r.changes = append(r.changes, ch)
	for _, in := range r.installs {
		if in.app != c.App || in.id != c.Install {
			continue
		}
		r.stand(in)
		for key, of := range r.due {
			if in.limited && of == subject(in.app, in.id) {
				delete(r.due, key)
			}
		}
	}
	return "accepted"
}

func subject(app int64, install string) string { return strconv.FormatInt(app, 10) + "/" + install }

// stand works out what an install's person allows now: of each question the latest
// answer, of two at one time the stricter. Nobody here lifts a limit again.
func (r *dayReference) stand(in *refInstall) {
	strict := map[string]int{"": 0, "authorized": 1, "yes": 1, "not_determined": 2, "denied": 3, "no": 3, "restricted": 4}
	att, gdpr := refChange{at: -1}, refChange{at: -1}
	for _, c := range r.changes {
		if c.app != in.app || c.install != in.id {
			continue
		}
		if c.att != "" && (c.at > att.at || c.at == att.at && strict[c.att] > strict[att.att]) {
			att = c
		}
		if c.gdpr != "" && (c.at > gdpr.at || c.at == gdpr.at && strict[c.gdpr] > strict[gdpr.gdpr]) {
			gdpr = c
		}
		in.limited = in.limited || c.limited
	}
	in.att = att.att
	if in.att != "authorized" || in.limited || gdpr.gdpr == "no" {
		in.bare, in.idfa = true, ""
	}
}

// installOf finds the install of a conversion.
func (r *dayReference) installOf(what, id string) *refInstall {
	for _, e := range r.events {
		if what == "event " && e.id == id {
			what, id = "install ", e.install
		}
	}
	for _, in := range r.installs {
		if what == "install " && in.id == id {
			return in
		}
	}
	return nil
}
