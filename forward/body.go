package forward

import (
	"errors"
	"fmt"
	"strings"
)

// maxBodyTemplate is as large as any network's example, many times over.
const maxBodyTemplate = 64 << 10

// bodyTemplate makes a request's body.
type bodyTemplate interface {
	// render returns the body; errors wrap ErrTemplate. empty: a macro without value
	// leaves an empty place and drops nothing.
	render(dv Delivery, values valueOf, empty bool) ([]byte, error)
	contentType() string
	// literals are texts of the template that may be tokens.
	literals() []string
}

// parseBody reads a destination's template; nil where there is no body. Without text
// the body is the standard document of the kind.
func parseBody(d Destination, text string) (bodyTemplate, error) {
	if len(text) > maxBodyTemplate {
		return nil, fmt.Errorf("it is longer than %d bytes", maxBodyTemplate)
	}
	switch {
	case d.Body == BodyJSON && strings.TrimSpace(text) == "":
		return jsonDocument{}, nil
	case d.Body == BodyJSON:
		return parseJSONTemplate(text)
	case d.Body == BodyForm && strings.TrimSpace(text) == "":
		return formDocument{}, nil
	case d.Body == BodyForm:
		return parseFormTemplate(text)
	case d.Body == BodyRaw && text == "":
		return rawBody{}, nil
	case d.Body == BodyRaw:
		return nil, errors.New("body: raw sends Apple's own bytes; remove the template, or write body: json")
	case text != "":
		return nil, errors.New("there is no body; write body: json or body: form, or remove the template")
	}
	return nil, nil
}

// rawBody is what Apple sent, byte for byte, so that its signature still verifies.
type rawBody struct{}

func (rawBody) render(_ Delivery, values valueOf, _ bool) ([]byte, error) {
	payload := values("sk_payload")
	if payload == "" {
		return nil, fmt.Errorf("%w: there is no copy of Apple's body (sk_payload) to send", ErrTemplate)
	}
	return []byte(payload), nil
}

func (rawBody) contentType() string { return "application/json" }
func (rawBody) literals() []string  { return nil }
