package forward

import (
	"net/netip"
	"slices"
)

// checkTemplates checks what a request says: every template of every state of
// consent, parsed as it will be rendered.
func (d Destination) checkTemplates(fault faulting, allowPrivate []netip.Prefix) {
	fault.only("method", d.Method, MethodGet, MethodPost)
	fault.only("body", d.Body, "", BodyForm, BodyJSON, BodyRaw)
	fault.only("missing", d.Missing, MissingDrop, MissingEmpty)
	if d.Body != "" && d.Method == MethodGet {
		fault("body", "is %s, but a GET has no body; write method: POST, or remove it", d.Body)
	}
	if d.Body == BodyRaw && !slices.Equal(d.Kinds, []string{KindPostback}) {
		fault("body", "raw sends Apple's own bytes, which only kind postback has; write kinds: [postback], or body: json")
	}
	compile(d, func(field string, err error) { fault(field, "%v", err) })
	for _, u := range d.urls() {
		if _, err := ParseTemplate(u.text, d.Missing); err != nil {
			continue // told above
		}
		if err := checkPlain(u.text, allowPrivate); err != nil {
			fault(u.field, "%v", err)
		}
	}
}

// fieldText is a template and the field that holds it.
type fieldText struct{ field, text string }

// urls are all URLs of the definition.
func (d Destination) urls() []fieldText {
	all := []fieldText{{"url", d.URL}}
	for _, c := range d.consentTemplates() {
		if c.URL != "" {
			all = append(all, fieldText{"consent." + c.state + ".url", c.URL})
		}
	}
	return all
}

// stateTemplate is a consent template and its state.
type stateTemplate struct {
	state string
	ConsentTemplate
}

func (d Destination) consentTemplates() (all []stateTemplate) {
	if d.Consent == nil {
		return nil
	}
	if c := d.Consent.Authorized; c != nil {
		all = append(all, stateTemplate{"authorized", *c})
	}
	if c := d.Consent.Denied; c != nil {
		all = append(all, stateTemplate{"denied", *c})
	}
	return all
}
