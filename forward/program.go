package forward

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Program is a destination's definition made ready to render: its URL, its body, its
// headers, and what takes their place by a person's consent. Every template is
// parsed once, so no value can change what surrounds it. Safe for concurrent use.
type Program struct {
	method     string
	base       variant
	authorized *variant // nil: base
	denied     *variant
	headers    []headerTemplate
	empty      bool // missing: empty
}

// variant is what is sent in one state of consent.
type variant struct {
	block  bool
	url    *Template
	body   bodyTemplate // nil: none
	tokens []string     // literals that may be secrets
}

// States of consent that a Delivery carries.
const (
	consentAuthorized = AttAuthorized
	consentDenied     = "denied"
)

// Compile makes a destination's program. Its error joins every fault of every
// template, each naming field and place; a destination that Validate accepts has
// none.
func Compile(d Destination) (*Program, error) {
	d = d.WithDefaults()
	var faults []error
	p := compile(d, func(field string, err error) { faults = append(faults, fmt.Errorf("%s: %w", field, err)) })
	if len(faults) > 0 {
		return nil, placed(faults).err()
	}
	return p, nil
}

// compile tells of every fault; the program counts only where there was none.
func compile(d Destination, fault func(field string, err error)) *Program {
	p := &Program{method: d.Method, empty: d.Missing == MissingEmpty}
	p.base = d.variant(d.URL, d.BodyTemplate, "", fault)
	if c := d.Consent; c != nil {
		p.authorized = d.consentVariant("consent.authorized.", c.Authorized, fault)
		p.denied = d.consentVariant("consent.denied.", c.Denied, fault)
	}
	p.headers = parseHeaders(d.Headers, fault)
	return p
}

// consentVariant is nil where the state changes nothing.
func (d Destination) consentVariant(prefix string, c *ConsentTemplate, fault func(string, error)) *variant {
	switch {
	case c == nil, *c == ConsentTemplate{}:
		return nil
	case c.Block:
		return &variant{block: true}
	}
	rawURL, body, urlField, bodyField := d.URL, d.BodyTemplate, "", ""
	if c.URL != "" {
		rawURL, urlField = c.URL, prefix
	}
	if c.BodyTemplate != "" {
		body, bodyField = c.BodyTemplate, prefix
	}
	quiet := func(string, error) {} // the destination's own templates are told of once
	pick := func(field string) func(string, error) {
		if field == "" {
			return quiet
		}
		return func(name string, err error) { fault(field+name, err) }
	}
	v := d.variant(rawURL, "", "", func(name string, err error) {
		if name == "url" {
			pick(urlField)(name, err)
		}
	})
	v.setBody(d, body, pick(bodyField))
	return &v
}

func (d Destination) variant(rawURL, body, prefix string, fault func(string, error)) variant {
	var v variant
	var err error
	v.url, err = ParseTemplate(rawURL, d.Missing)
	if err != nil {
		eachFault(err, func(err error) { fault(prefix+"url", err) })
	} else {
		v.tokens = append(v.tokens, v.url.literals()...)
	}
	v.setBody(d, body, func(name string, err error) { fault(prefix+name, err) })
	return v
}

func (v *variant) setBody(d Destination, text string, fault func(string, error)) {
	body, err := parseBody(d, text)
	if err != nil {
		eachFault(err, func(err error) { fault("body_template", err) })
		return
	}
	v.body = body
	if body != nil {
		v.tokens = append(v.tokens, body.literals()...)
	}
}

// eachFault takes a joined error apart.
func eachFault(err error, tell func(error)) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			tell(e)
		}
		return
	}
	tell(err)
}

// Render puts a delivery's values into every template. Errors wrap ErrTemplate and
// are final: the same delivery gives the same. Headers with {secret} and query_auth
// are left to Credentials.
func (p *Program) Render(dv Delivery) (Rendered, error) {
	v := p.variant(dv.Consent)
	if v.block {
		return Rendered{}, fmt.Errorf("%w: nothing is sent to this destination without consent (consent is %q)", ErrTemplate, dv.Consent)
	}
	values := dv.value
	target, err := v.url.render(values)
	if err != nil {
		return Rendered{}, err
	}
	r := Rendered{Method: p.method, URL: target, Header: make(http.Header, len(p.headers)+2)}
	if v.body != nil {
		r.Body, err = v.body.render(dv, values, p.empty)
		if err != nil {
			return Rendered{}, err
		}
		r.Header.Set("Content-Type", v.body.contentType())
	}
	for _, h := range p.headers {
		if err := h.render(r.Header, values, p.empty); err != nil {
			return Rendered{}, err
		}
	}
	return r, nil
}

func (p *Program) variant(consent string) *variant {
	switch {
	case consent == consentAuthorized && p.authorized != nil:
		return p.authorized
	case consent == consentDenied && p.denied != nil:
		return p.denied
	}
	return &p.base
}

func (p *Program) tokens(consent string) []string {
	tokens := p.variant(consent).tokens
	for _, h := range p.headers {
		tokens = append(tokens[:len(tokens):len(tokens)], h.literals()...)
	}
	return tokens
}

// value is the value of a macro; some belong to the delivery, not to the conversion.
func (dv Delivery) value(name string) string {
	switch name {
	case "event_name":
		return dv.EventName
	case "delivery_id":
		return dv.ID
	case "attempt":
		return strconv.Itoa(dv.Attempts)
	case "install_time_unix":
		return unixSeconds(dv.Fields["install_time"])
	}
	return dv.Fields[name]
}

// unixSeconds is a time of RFC 3339 in seconds, "" where it is none.
func unixSeconds(text string) string {
	if text == "" {
		return ""
	}
	when, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return ""
	}
	return strconv.FormatInt(when.Unix(), 10)
}
