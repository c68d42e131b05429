package forward

import (
	"net/url"
	"strings"
)

// jsonDocument is the body of a destination that brings no template of its own.
type jsonDocument struct{}

// modeledMembers are those of the modelled body, in the order of its definition.
// They are always all there; what is not known is null.
var modeledMembers = []struct{ name, macro string }{
	{"id", "delivery_id"}, {"row_id", "row_id"}, {"revision", "revision"}, {"app_id", "app_id"},
	{"network_id", "network_id"}, {"source", "source_identifier"},
	{"window_start", "window_start"}, {"window_end", "window_end"}, {"event", "event_name"},
	{"count", "count"}, {"count_low", "count_low"}, {"count_high", "count_high"},
	{"revenue", "revenue"}, {"currency", "currency"}, {"is_modeled", "is_modeled"}, {"model_version", "model_version"},
}

// memberNames are what the documents call some macros, as the modelled body does.
var memberNames = map[string]string{"delivery_id": "id", "event_name": "event", "source_identifier": "source"}

func (jsonDocument) render(dv Delivery, values valueOf, _ bool) ([]byte, error) {
	b := append(make([]byte, 0, 512), `{"type":`...)
	b = appendJSONString(b, "conversion."+dv.Kind)
	if dv.Kind == KindModeled {
		for _, m := range modeledMembers {
			b = appendMember(b, m.name, m.macro, values(m.macro))
		}
		return append(b, '}'), nil
	}
	b = appendMember(b, "id", "delivery_id", values("delivery_id"))
	for i := range macroTable {
		name := macroTable[i].Name
		v := values(name)
		if v == "" || name == "delivery_id" || name == "attempt" {
			continue
		}
		member := name
		if short := memberNames[name]; short != "" {
			member = short
		}
		b = appendMember(b, member, name, v)
	}
	return append(b, '}'), nil
}

// appendMember writes a value in the form of its macro: what is not in that form
// stays a text, so that the document is JSON whatever was stored.
func appendMember(b []byte, member, macro, value string) []byte {
	b = append(b, ',', '"')
	b = append(b, member...)
	b = append(b, '"', ':')
	form := macroByName[macro].Form
	truth := value == "true" || value == "false"
	switch {
	case value == "",
		form == formNumber && plainNumber(value),
		form == formBool && truth:
		return appendJSONScalar(b, value)
	}
	return appendJSONString(b, value)
}

func (jsonDocument) contentType() string { return contentJSON }
func (jsonDocument) literals() []string  { return nil }

// formDocument is every value under its macro's name, but for the attempt: a
// delivery's body is the same in every attempt.
type formDocument struct{}

func (formDocument) render(_ Delivery, values valueOf, _ bool) ([]byte, error) {
	var b strings.Builder
	for i := range macroTable {
		name := macroTable[i].Name
		v := values(name)
		if v == "" || name == "attempt" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(name + "=" + url.QueryEscape(v))
	}
	return []byte(b.String()), nil
}

func (formDocument) contentType() string { return contentForm }
func (formDocument) literals() []string  { return nil }
