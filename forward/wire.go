package forward

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// wire is a Destination as JSON and YAML spell it.
type wire struct {
	ID          string            `json:"id"`
	NetworkID   string            `json:"network_id,omitempty"`
	AppID       int64             `json:"app_id"`
	Kinds       []string          `json:"kinds"`
	Scope       string            `json:"scope"`
	Method      string            `json:"method"`
	URL         string            `json:"url"`
	EventMap    map[string]string `json:"event_map,omitempty"`
	SendRevenue bool              `json:"send_revenue"`
	Schedule    string            `json:"schedule"`
	Signing     string            `json:"signing"`
	Delay       duration          `json:"delay"`
	Timeout     duration          `json:"timeout"`
	Missing     string            `json:"missing"`
	Expires     duration          `json:"expires"`
	Enabled     *bool             `json:"enabled"`
	InFlight    int               `json:"in_flight"`
	Hold        duration          `json:"hold"`
}

var wireFields = []string{
	"id", "network_id", "app_id", "kinds", "scope", "method", "url", "event_map", "send_revenue",
	"schedule", "signing", "delay", "timeout", "missing", "expires", "enabled", "in_flight", "hold",
}

// laterFields are settings that belong to a destination but that this version
// cannot honour yet. Ignoring one would send what the operator did not mean.
var laterFields = []string{
	"body", "secret_env", "headers", "query_auth", "oauth", "expires_from", "filter",
	"consent", "rate", "revisions", "agency", "owner",
}

// MarshalJSON writes every setting, so that an exported file shows the defaults.
func (d Destination) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // URLs are full of &
	err := enc.Encode(wire{
		d.ID, d.NetworkID, d.AppID, d.Kinds, d.Scope, d.Method, d.URL, d.EventMap, d.SendRevenue,
		d.Schedule, d.Signing, duration(d.Delay), duration(d.Timeout), d.Missing, duration(d.Expires),
		&d.Enabled, d.InFlight, duration(d.Hold),
	})
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
	*d = Destination{
		w.ID, w.NetworkID, w.AppID, w.Kinds, w.Scope, w.Method, w.URL, w.EventMap, w.SendRevenue,
		w.Schedule, w.Signing, time.Duration(w.Delay), time.Duration(w.Timeout), w.Missing,
		time.Duration(w.Expires), w.Enabled == nil || *w.Enabled, w.InFlight, time.Duration(w.Hold),
	}.WithDefaults()
	return nil
}

func checkMembers(name string, members map[string]json.RawMessage) error {
	var faults []error
	for field := range members {
		switch {
		case slices.Contains(laterFields, field):
			faults = append(faults, fmt.Errorf("%s: %s: is not supported by this version; remove it", name, field))
		case !slices.Contains(wireFields, field):
			faults = append(faults, fmt.Errorf("%s: %s: is not a setting of a destination", name, field))
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

// duration is "10s", "1h30m" or "7d".
type duration time.Duration

func (d duration) MarshalText() ([]byte, error) { return []byte(formatDuration(time.Duration(d))), nil }

func (d *duration) UnmarshalText(text []byte) error {
	v, err := parseDuration(string(text))
	*d = duration(v)
	return err
}

func parseDuration(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseInt(days, 10, 16)
		if err == nil {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	v, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration; write 10s, 5m, 12h or 7d", s)
	}
	return v.Truncate(time.Millisecond), nil // what the stores keep
}

func formatDuration(d time.Duration) string {
	const day = 24 * time.Hour
	if d != 0 && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}
