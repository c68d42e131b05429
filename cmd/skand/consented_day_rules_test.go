package main

import (
	"math/big"
	"strings"
)

// windowOf is how long before an install a touch may lie, as the day's networks agreed.
func windowOf(c *refClick) int64 {
	const hour = 60 * 60 * 1000
	view := c.action == "view"
	switch {
	case c.network == "beta.example" && view:
		return 2 * hour
	case c.network == "beta.example":
		return 48 * hour
	case c.network == "gamma.example" && view:
		return 72 * hour
	case c.network == "gamma.example":
		return 14 * 24 * hour
	case view:
		return 24 * hour
	default:
		return 7 * 24 * hour
	}
}

// whyNot says why a click can't have led to an install; "" if it can.
func whyNot(c *refClick, in *refInstall) string {
	if c.usedBy != nil && c.usedBy != in {
		return "click_already_used"
	}
	if c.at > in.at {
		return "click_after_install"
	}
	if in.at-c.at > windowOf(c) {
		return "outside_window"
	}
	return ""
}

// better reports whether a has the greater claim of two clicks.
func better(a, b *refClick) bool {
	if b == nil || a.at != b.at {
		return b == nil || a.at > b.at
	}
	if a.action != b.action {
		return a.action == "click"
	}
	return a.id < b.id
}

// decide an install by all facts that are known.
func (r *dayReference) decide(in *refInstall) {
	var named, last *refClick
	for _, c := range r.clicks {
		if c.app != in.app {
			continue
		}
		if in.names != "" && c.id == in.names {
			named = c
		}
		if in.idfa != "" && c.idfa == in.idfa && whyNot(c, in) == "" && better(c, last) {
			last = c
		}
	}
	known := false
	for _, o := range r.installs {
		before := o.at < in.at || o.at == in.at && o.id < in.id
		same := in.idfv != "" && o.idfv == in.idfv || in.idfa != "" && o.idfa == in.idfa
		known = known || o != in && o.app == in.app && before && same
	}

	d := refDecision{Test: in.test, Reason: "no_click_id"}
	var flags []string
	if in.idfa != "" {
		d.Reason = "no_touch"
	}
	var winner *refClick
	if in.names != "" {
		d.Reason = "click_unknown"
		if named != nil {
			d.Reason = whyNot(named, in)
		}
		switch d.Reason {
		case "":
			winner, d.Method = named, "click_id"
		case "click_already_used":
			flags = append(flags, "reused_click_id")
		case "outside_window":
			flags = append(flags, "after_window")
		}
	}
	if winner == nil && last != nil {
		winner, d.Method = last, "idfa"
	}
	switch {
	case in.reinstall:
		d.Reason = "reinstall"
	case known:
		d.Reason = "known_device"
		flags = append(flags, "duplicate")
	case winner != nil:
		d.Attributed, d.Reason = true, d.Method
		d.Click, d.Network, d.Campaign, d.Action = winner.id, winner.network, winner.campaign, winner.action
		winner.usedBy = in
		if winner.action == "click" && in.at-winner.at < 10_000 {
			flags = append([]string{"click_to_install_under_10s"}, flags...)
		}
	}
	if !d.Attributed {
		d.Method = ""
		if winner != nil {
			d.Reengaged = winner.id
		}
	}
	d.Flags = strings.Join(flags, ",")
	in.is = d
}

// handOver lets the networks hear of an install and of its events, each once.
func (r *dayReference) handOver(in *refInstall) {
	r.hand(in, "install "+in.id)
	for _, e := range r.events {
		if e.app == in.app && e.install == in.id {
			r.sendEvent(in, e)
		}
	}
}

// sendEvent hands over an event that is what the catalogue means by it.
func (r *dayReference) sendEvent(in *refInstall, e *refEvent) {
	const hour = 60 * 60 * 1000
	within := map[string]int64{"purchase": 8 * hour, "level_10": 6 * hour}[e.name]
	if after := e.at - in.at; within > 0 && (after > within || after < -24*hour) {
		return
	}
	if e.name == "purchase" && (!e.paid || e.amount != nil && e.amount.Cmp(big.NewRat(5, 1)) < 0) {
		return
	}
	r.hand(in, "event "+e.id)
}

// hand over to those who take it: everybody's books take all, a network its own.
func (r *dayReference) hand(in *refInstall, what string) {
	if in.limited || in.app != dayApp {
		return
	}
	to := []string{"books"}
	if in.is.Attributed && in.is.Network != "delta.example" {
		to = append(to, in.is.Network)
	}
	for _, destination := range to {
		key := destination + " " + what
		if !r.known[key] {
			r.known[key] = true
			r.due[key] = subject(in.app, in.id)
		}
	}
}
