package forward

import "strings"

// hears reports whether a destination's scope takes a conversion that is billed.
//
// attributed: the network's own, nothing else. network+agency: these, and what is
// attributed to any other network, where an operator has marked the destination as an
// agency's; what of that the agency bought is for its filter to say. all: everything
// of the app, organic too. A postback is the network's that it names, whatever the
// scope, or goes to an agency. A destination without a network (a CRM, a warehouse, a
// suppression list) hears of people only where they consented to be tracked.
func (d Destination) hears(c Conversion) bool {
	own := d.NetworkID != "" && strings.EqualFold(c.NetworkID, d.NetworkID)
	if c.Kind == KindPostback {
		return own || d.Agency
	}
	if d.NetworkID == "" && c.ofPerson() && c.consent() != consentAuthorized {
		return false
	}
	switch d.Scope {
	case ScopeAll:
		return true
	case ScopeNetworkAgency:
		return own || d.Agency && c.NetworkID != ""
	}
	return own
}

// hearsRejected reports whether a destination is told that something is not billed:
// only who claimed it is, for its reason speaks of the claim.
func (d Destination) hearsRejected(c Conversion) bool {
	return d.NetworkID != "" && strings.EqualFold(c.NetworkID, d.NetworkID)
}
