package forward

import (
	"net/url"
	"slices"
	"strings"
)

const (
	redacted = "[redacted]"
	// shortSecret is the least length that is hidden: shorter values hide nothing, and
	// would cut holes into every answer.
	shortSecret = 6
	// longLiteral is the least length of a literal outside the query that may be a
	// token: names of events and of fields are shorter.
	longLiteral = 16
)

// Redact removes from an answer what the receiver echoed of a delivery: hide (what
// Credentials added), the literals of the template that may be tokens, and the
// identifiers of the phone, as they are and as a URL escapes them.
func (p *Program) Redact(answer string, dv Delivery, hide []string) string {
	if len(answer) < shortSecret {
		return answer
	}
	return redact(answer, slices.Concat(hide, p.tokens(dv.Consent)), func(name string) string { return dv.Fields[name] })
}

func redact(answer string, secrets []string, values valueOf) string {
	secrets = slices.Clone(secrets)
	for _, name := range identifierMacros {
		secrets = append(secrets, values(name))
	}
	var forms []string
	for _, s := range secrets {
		forms = append(forms, s, url.QueryEscape(s), url.PathEscape(s), strings.Trim(string(appendJSONString(nil, s)), `"`))
		if plain, err := url.QueryUnescape(s); err == nil {
			forms = append(forms, plain)
		}
	}
	// The longest first, so that no part of one is left when another is cut out of it.
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) })
	for _, form := range slices.Compact(forms) {
		if len(form) >= shortSecret {
			answer = replaceFold(answer, form)
		}
	}
	return answer
}

// replaceFold replaces in either case: receivers write identifiers in lower case.
func replaceFold(text, secret string) string {
	var b strings.Builder
	from := 0
	for i := 0; i+len(secret) <= len(text); {
		if !strings.EqualFold(text[i:i+len(secret)], secret) {
			i++
			continue
		}
		b.WriteString(text[from:i])
		b.WriteString(redacted)
		i += len(secret)
		from = i
	}
	if from == 0 {
		return text
	}
	b.WriteString(text[from:])
	return b.String()
}
