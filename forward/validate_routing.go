package forward

import (
	"slices"
	"strings"
	"time"
)

// maxEventWindow is longer than any network counts events after an install.
const maxEventWindow = 365 * 24 * time.Hour

// checkRouting checks what decides who hears of what.
func (d Destination) checkRouting(fault faulting) {
	for i, kind := range d.Kinds {
		fault.only("kinds", kind, knownKinds...)
		if slices.Contains(d.Kinds[:i], kind) {
			fault("kinds", "lists %s twice; remove one", kind)
		}
	}
	fault.only("scope", d.Scope, ScopeAttributed, ScopeAll, ScopeNetworkAgency)
	fault.only("revisions", d.Revisions, RevisionsOnce, RevisionsReplace)
	d.checkScope(fault)
	d.checkRevisions(fault)
	for ours, theirs := range d.EventMap {
		if ours == "" || theirs == "" {
			fault("event_map", "%q: %q has an empty name", ours, theirs)
		}
	}
	if d.EventWindow > 0 && !slices.Contains(d.Kinds, KindEvent) && !slices.Contains(d.Kinds, KindRejected) {
		fault("event_window", "concerns events, and kinds has none; add event to kinds, or leave it out")
	}
	d.Filter.check(fault)
	d.checkConsent(fault)
}

func (d Destination) checkScope(fault faulting) {
	switch {
	case d.Scope == ScopeNetworkAgency && !d.Agency:
		fault("scope", "network+agency sends what was bought on other networks to an agency; write agency: true if that is who receives it, else scope: attributed")
	case d.Scope == ScopeAttributed && d.NetworkID == "" && !d.onlyPostbacksOfAgency():
		fault("network_id", "is empty; scope %s sends a network its own conversions, so name it (or write scope: all)", d.Scope)
	}
	if d.NetworkID != "" {
		return
	}
	if slices.Contains(d.Kinds, KindPostback) && !d.Agency {
		fault("network_id", "is empty; a copy of a postback goes to the network that it names, so name it (or write agency: true for an agency's)")
	}
	if slices.Contains(d.Kinds, KindRejected) {
		fault("network_id", "is empty; rejected goes to the network that claimed the install, so name it (or leave rejected out of kinds)")
	}
}

// onlyPostbacksOfAgency: such a destination needs no network, for an agency is sent the
// postbacks of all.
func (d Destination) onlyPostbacksOfAgency() bool {
	return d.Agency && len(d.Kinds) == 1 && d.Kinds[0] == KindPostback
}

// checkRevisions holds that who is sent a figure again can tell that it is the same
// one: a network that adds would count 40 and 42 as 82.
func (d Destination) checkRevisions(fault faulting) {
	if d.Revisions != RevisionsReplace {
		return
	}
	if !slices.Contains(d.Kinds, KindModeled) {
		fault("revisions", "replace concerns modeled figures, and kinds has none; add modeled to kinds, or leave it out")
	}
	if d.BodyTemplate == "" && (d.Body == BodyJSON || d.Body == BodyForm) {
		return // the standard document has both
	}
	for _, name := range []string{"{row_id}", "{revision}"} {
		if !strings.Contains(d.URL, name) && !strings.Contains(d.BodyTemplate, name) {
			fault("revisions", "replace sends a figure again, so the receiver must be told which; put %s into the url or the body", name)
		}
	}
}
