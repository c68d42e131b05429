package forward

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// bodyText is the text of a body's template. In documents it may also be written as
// the JSON document itself.
type bodyText string

func (b *bodyText) UnmarshalJSON(raw []byte) error {
	var text string
	if raw[0] != '{' && raw[0] != '[' {
		err := json.Unmarshal(raw, &text)
		*b = bodyText(text)
		return err
	}
	*b = bodyText(raw)
	return nil
}

// scheduleText is a name, or a list of durations that it joins with commas.
type scheduleText string

func (s *scheduleText) UnmarshalJSON(raw []byte) error {
	var list []string
	if raw[0] != '[' {
		var name string
		err := json.Unmarshal(raw, &name)
		*s = scheduleText(name)
		return err
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return errors.New("schedule: a list must hold durations, such as [30s, 2m, 10m]")
	}
	*s = scheduleText(strings.Join(list, ","))
	return nil
}

// queryAuth is a parameter's name, which then carries the secret, or an object of
// parameters and their templates.
type queryAuth map[string]string

func (q *queryAuth) UnmarshalJSON(raw []byte) error {
	var name string
	if json.Unmarshal(raw, &name) == nil {
		*q = nil
		if name != "" {
			*q = queryAuth{name: "{secret}"}
		}
		return nil
	}
	var parameters map[string]string
	if err := json.Unmarshal(raw, &parameters); err != nil {
		return errors.New(`query_auth: write the parameter's name, or an object such as {api_key: "{secret}"}`)
	}
	*q = parameters
	return nil
}

// UnmarshalJSON refuses parts that it does not know: a filter that is not applied
// sends what nobody wanted sent.
func (f *Filter) UnmarshalJSON(raw []byte) error {
	type plain Filter
	return strictly("filter", raw, (*plain)(f))
}

// UnmarshalJSON refuses states that it does not know.
func (c *Consent) UnmarshalJSON(raw []byte) error {
	type plain Consent
	return strictly("consent", raw, (*plain)(c))
}

// UnmarshalJSON refuses members that it does not know.
func (o *OAuth) UnmarshalJSON(raw []byte) error {
	type plain OAuth
	return strictly("oauth", raw, (*plain)(o))
}

type consentTemplate struct {
	URL          string   `json:"url,omitempty"`
	BodyTemplate bodyText `json:"body_template,omitempty"`
}

// UnmarshalJSON reads "send", "block" or an object.
func (c *ConsentTemplate) UnmarshalJSON(raw []byte) error {
	switch string(raw) {
	case `"send"`:
		*c = ConsentTemplate{}
		return nil
	case `"block"`:
		*c = ConsentTemplate{Block: true}
		return nil
	}
	if raw[0] != '{' {
		return errors.New("consent: write send, block, or an object with url and body_template")
	}
	var w consentTemplate
	if err := strictly("consent", raw, &w); err != nil {
		return err
	}
	*c = ConsentTemplate{URL: w.URL, BodyTemplate: string(w.BodyTemplate)}
	return nil
}

// MarshalJSON writes what UnmarshalJSON reads.
func (c ConsentTemplate) MarshalJSON() ([]byte, error) {
	switch {
	case c.Block:
		return []byte(`"block"`), nil
	case c.URL == "" && c.BodyTemplate == "":
		return []byte(`"send"`), nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // URLs are full of &
	err := enc.Encode(struct {
		URL          string `json:"url,omitempty"`
		BodyTemplate string `json:"body_template,omitempty"`
	}{c.URL, c.BodyTemplate})
	return bytes.TrimSpace(b.Bytes()), err
}

func strictly(field string, raw []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("%s: %w", field, err)
	}
	return nil
}
