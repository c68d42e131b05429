package forward

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"skand/internal/nearest"
)

// wire is a Destination as JSON and YAML spell it.
type wire struct {
	ID           string            `json:"id"`
	Owner        string            `json:"owner,omitempty"`
	NetworkID    string            `json:"network_id,omitempty"`
	AppID        int64             `json:"app_id"`
	Agency       bool              `json:"agency,omitempty"`
	Kinds        []string          `json:"kinds"`
	Scope        string            `json:"scope"`
	EventMap     map[string]string `json:"event_map,omitempty"`
	EventWindow  duration          `json:"event_window,omitempty"`
	Filter       *Filter           `json:"filter,omitempty"`
	Consent      *Consent          `json:"consent,omitempty"`
	SendRevenue  bool              `json:"send_revenue"`
	Revisions    string            `json:"revisions"`
	Delay        duration          `json:"delay"`
	Hold         duration          `json:"hold"`
	Method       string            `json:"method"`
	URL          string            `json:"url"`
	Body         string            `json:"body,omitempty"`
	BodyTemplate bodyText          `json:"body_template,omitempty"`
	Headers      map[string]string `json:"headers,omitempty"`
	QueryAuth    queryAuth         `json:"query_auth,omitempty"`
	Missing      string            `json:"missing"`
	Signing      string            `json:"signing"`
	SecretEnv    string            `json:"secret_env,omitempty"`
	OAuth        *OAuth            `json:"oauth,omitempty"`
	Schedule     scheduleText      `json:"schedule"`
	Timeout      duration          `json:"timeout"`
	Expires      duration          `json:"expires"`
	ExpiresFrom  string            `json:"expires_from"`
	Enabled      *bool             `json:"enabled"`
	InFlight     int               `json:"in_flight"`
	Rate         string            `json:"rate,omitempty"`
}

// wireFields are the names above.
var wireFields = func() (names []string) {
	for f := range reflect.TypeFor[wire]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}()

func (d *Destination) wire() wire {
	return wire{
		ID: d.ID, Owner: d.Owner, NetworkID: d.NetworkID, AppID: d.AppID, Agency: d.Agency, Kinds: d.Kinds, Scope: d.Scope,
		EventMap: d.EventMap, EventWindow: duration(d.EventWindow), Filter: d.Filter, Consent: d.Consent,
		SendRevenue: d.SendRevenue, Revisions: d.Revisions, Delay: duration(d.Delay), Hold: duration(d.Hold),
		Method: d.Method, URL: d.URL, Body: d.Body, BodyTemplate: bodyText(d.BodyTemplate), Headers: d.Headers,
		QueryAuth: d.QueryAuth, Missing: d.Missing,
		Signing: d.Signing, SecretEnv: d.SecretEnv, OAuth: d.OAuth,
		Schedule: scheduleText(d.Schedule), Timeout: duration(d.Timeout), Expires: duration(d.Expires),
		ExpiresFrom: d.ExpiresFrom, Enabled: &d.Enabled, InFlight: d.InFlight, Rate: d.Rate,
	}
}

func (w *wire) destination() Destination {
	return Destination{
		ID: w.ID, Owner: w.Owner, NetworkID: w.NetworkID, AppID: w.AppID, Agency: w.Agency, Kinds: w.Kinds, Scope: w.Scope,
		EventMap: w.EventMap, EventWindow: time.Duration(w.EventWindow), Filter: w.Filter, Consent: w.Consent,
		SendRevenue: w.SendRevenue, Revisions: w.Revisions, Delay: time.Duration(w.Delay), Hold: time.Duration(w.Hold),
		Method: w.Method, URL: w.URL, Body: w.Body, BodyTemplate: string(w.BodyTemplate), Headers: w.Headers,
		QueryAuth: w.QueryAuth, Missing: w.Missing,
		Signing: w.Signing, SecretEnv: w.SecretEnv, OAuth: w.OAuth,
		Schedule: string(w.Schedule), Timeout: time.Duration(w.Timeout), Expires: time.Duration(w.Expires),
		ExpiresFrom: w.ExpiresFrom, Enabled: w.Enabled == nil || *w.Enabled, InFlight: w.InFlight, Rate: w.Rate,
	}.WithDefaults()
}

// MarshalJSON writes every setting, so that an exported file shows the defaults.
func (d Destination) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // URLs are full of &
	err := enc.Encode(d.wire())
	return bytes.TrimSpace(b.Bytes()), err
}

// UnmarshalJSON reads a destination and fills the defaults. Unknown settings, and
// those that this version does not support, are errors that name the field.
func (d *Destination) UnmarshalJSON(raw []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return fmt.Errorf("destination: %w", err)
	}
	var w wire
	err := json.Unmarshal(raw, &w)
	name := fmt.Sprintf("destination %q", w.ID)
	if err := checkMembers(name, members); err != nil {
		return err
	}
	var te *json.UnmarshalTypeError
	if errors.As(err, &te) {
		return fmt.Errorf("%s: %s: a %s cannot stand here", name, te.Field, te.Value)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	*d = w.destination()
	return nil
}

func checkMembers(name string, members map[string]json.RawMessage) error {
	var faults []error
	for field := range members {
		if !slices.Contains(wireFields, field) {
			best, _ := nearest.Name(field, wireFields)
			faults = append(faults, fmt.Errorf("%s: %s: is not a setting of a destination; the nearest is %s", name, field, best))
		}
	}
	slices.SortFunc(faults, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(faults...)
}

// UnmarshalYAML reads the same document from YAML, through the same checks.
func (d *Destination) UnmarshalYAML(read func(any) error) error {
	var members map[string]any
	if err := read(&members); err != nil {
		return err
	}
	raw, err := json.Marshal(members)
	if err != nil {
		return fmt.Errorf("destination: %w", err)
	}
	return d.UnmarshalJSON(raw)
}

// MarshalYAML writes what MarshalJSON writes.
func (d Destination) MarshalYAML() (any, error) {
	raw, err := d.MarshalJSON()
	if err != nil {
		return nil, err
	}
	var members map[string]any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&members); err != nil {
		return nil, err
	}
	members["app_id"], members["in_flight"] = d.AppID, d.InFlight
	return members, nil
}
