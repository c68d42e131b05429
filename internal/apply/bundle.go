// Package apply owns the files of `skand apply`: apps, networks, schemas,
// destinations and trusted keys as YAML or JSON, read strictly and checked before
// anything is stored. It refuses SQL; what a bundle changes is decided by the store.
package apply

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	"skand/aggregate"
	"skand/forward"
	"skand/schema"
	"skand/skan"
)

// Bundle is everything that one apply says. What it does not name stays as it is.
type Bundle struct {
	Apps         []App                 `json:"apps,omitempty"`
	Networks     []Network             `json:"networks,omitempty"`
	Destinations []forward.Destination `json:"destinations,omitempty"`
	TrustedKeys  []TrustedKey          `json:"trusted_keys,omitempty"`
	Forward      *Forward              `json:"forward,omitempty"`
	Rates        []Rate                `json:"rates,omitempty"`
	Secrets      Secrets               `json:"secrets,omitempty"` // only between processes

	serving map[string]bool // see Serving
}

// App is one advertised app.
type App struct {
	AppID               int64           `json:"app_id"`
	Name                string          `json:"name,omitempty"`
	BundleID            string          `json:"bundle_id,omitempty"`
	Currency            string          `json:"currency,omitempty"`
	Window              string          `json:"window,omitempty"` // week, day
	K                   *int            `json:"k,omitempty"`
	B                   *int            `json:"b,omitempty"`
	Depth               *int            `json:"depth,omitempty"`
	Revenue             string          `json:"revenue,omitempty"` // exact, banded
	TrustDevelopment    bool            `json:"trust_development,omitempty"`
	RawRetention        string          `json:"raw_retention,omitempty"` // "90d"
	Schema              json.RawMessage `json:"schema,omitempty"`        // file name, or the document itself
	SchemaEffectiveFrom *time.Time      `json:"schema_effective_from,omitempty"`
	AppConsented
	AppCrossings
}

// Network is one ad network.
type Network struct {
	NetworkID    string     `json:"network_id"`
	Name         string     `json:"name,omitempty"`
	Aliases      []string   `json:"aliases,omitempty"`
	SourceDigits []string   `json:"source_digits,omitempty"`
	ShortForm    string     `json:"short_form,omitempty"`  // last, first
	RelayDelay   string     `json:"relay_delay,omitempty"` // "6h", "3d"; see Delay
	Campaigns    []Campaign `json:"campaigns,omitempty"`
	NetworkConsented
}

// Campaign names a source identifier for a span of days.
type Campaign struct {
	Source       string  `json:"source"`
	From         *string `json:"from,omitempty"` // YYYY-MM-DD
	To           *string `json:"to,omitempty"`
	CampaignID   string  `json:"campaign_id,omitempty"`
	CampaignName string  `json:"campaign_name,omitempty"`
}

// TrustedKey is a key that is trusted beside Apple's.
type TrustedKey struct {
	Name        string `json:"name"`
	KID         string `json:"kid,omitempty"`
	SPKI        string `json:"spki"`
	Environment string `json:"environment"` // production, development
}

// Forward holds what concerns every destination.
type Forward struct {
	AllowPrivateCIDRs []string `json:"allow_private_cidrs"`
}

// Prefixes parses the allow-list.
func (f *Forward) Prefixes() ([]netip.Prefix, error) {
	if f == nil {
		return nil, nil
	}
	out := make([]netip.Prefix, 0, len(f.AllowPrivateCIDRs))
	for i, s := range f.AllowPrivateCIDRs {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("forward.allow_private_cidrs[%d]: %q is not a CIDR such as 10.0.0.0/8", i, s)
		}
		out = append(out, p)
	}
	return out, nil
}

// Settings of the app with defaults filled in.
func (a *App) Settings() aggregate.Settings {
	s := aggregate.DefaultSettings()
	if a.Currency != "" {
		s.Currency = a.Currency
	}
	if a.Window != "" {
		s.Window = aggregate.WindowKind(a.Window)
	}
	if a.K != nil {
		s.K = *a.K
	}
	if a.B != nil {
		s.B = *a.B
	}
	if a.Depth != nil {
		s.Depth = *a.Depth
	}
	if a.Revenue != "" {
		s.Revenue = a.Revenue
	}
	s.Crossings, s.CrossingEpsilon = a.crossings()
	return s
}

// How long raw copies are kept. They are wanted for as long as Apple may repeat
// them, a copy may differ, or a key may be added: never less than ten days.
const (
	DefaultRawRetention = 90 * 24 * time.Hour
	minRawRetention     = 10 * 24 * time.Hour
)

// Retention is how long the app's raw copies are kept.
func (a *App) Retention() (time.Duration, error) {
	if a.RawRetention == "" {
		return DefaultRawRetention, nil
	}
	number, ok := strings.CutSuffix(a.RawRetention, "d")
	days, err := strconv.Atoi(number)
	if !ok || err != nil {
		return 0, fmt.Errorf("raw_retention: %q is no number of days; write it as 90d", a.RawRetention)
	}
	d := time.Duration(days) * 24 * time.Hour
	if d < minRawRetention || days > 3650 {
		return 0, fmt.Errorf("raw_retention: %s is out of range; set 10d to 3650d (Apple repeats for nine days)", a.RawRetention)
	}
	return d, nil
}

// Document parses the app's schema and fills its table where there is only the
// layout to write it with; nil if the app has none.
func (a *App) Document() (*schema.Document, error) {
	if len(a.Schema) == 0 || string(a.Schema) == "null" {
		return nil, nil
	}
	if a.Schema[0] == '"' {
		return nil, fmt.Errorf("%s is the name of a file, which only `skand apply -f` reads; give the document itself", a.Schema)
	}
	return tabled(schema.Parse(a.Schema))
}

// Trusted turns the keys into those of package skan.
func (b *Bundle) Trusted() []skan.TrustedKey {
	out := make([]skan.TrustedKey, len(b.TrustedKeys))
	for i, k := range b.TrustedKeys {
		out[i] = skan.TrustedKey{Name: k.Name, KID: k.KID, SPKI: k.SPKI, Environment: skan.Environment(k.Environment)}
	}
	return out
}

var networkID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]*$`)

// Refused is what is wrong with a bundle: whoever wrote it can put it right, so
// its text may be shown. Any other error of an apply is ours and goes to the log.
type Refused struct{ err error }

func (r *Refused) Error() string { return r.err.Error() }
func (r *Refused) Unwrap() error { return r.err }

// Refuse marks an error as the bundle's fault; nil stays nil.
func Refuse(err error) error {
	if err == nil {
		return nil
	}
	return &Refused{err}
}

// Check returns every fault of the bundle, each naming its field, as a Refused.
// allow is the allow-list in force when the bundle does not bring one.
func (b *Bundle) Check(allow []netip.Prefix) error {
	var faults []error
	bad := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	seen := map[string]bool{}
	once := func(where, id string) {
		if seen[id] {
			bad("%s: %s is named twice; keep one", where, id)
		}
		seen[id] = true
	}
	for i := range b.Apps {
		a := &b.Apps[i]
		where := fmt.Sprintf("apps[%d]", i)
		once(where, fmt.Sprintf("app %d", a.AppID))
		faults = append(faults, a.check(where)...)
	}
	for i := range b.Networks {
		n := &b.Networks[i]
		where := fmt.Sprintf("networks[%d]", i)
		n.NetworkID = strings.ToLower(n.NetworkID)
		once(where, "network "+n.NetworkID)
		for _, alias := range n.Aliases {
			once(where+".aliases", "network "+strings.ToLower(alias))
		}
		faults = append(faults, n.check(where)...)
	}
	if b.Forward != nil {
		var err error
		if allow, err = b.Forward.Prefixes(); err != nil {
			faults = append(faults, err)
		}
	}
	for i, d := range b.Destinations {
		once(fmt.Sprintf("destinations[%d]", i), "destination "+d.ID)
		if err := d.Validate(allow); err != nil {
			bad("destinations[%d]: %w", i, err)
		}
		b.checkSecrets(d, bad)
	}
	for i, k := range b.TrustedKeys {
		once(fmt.Sprintf("trusted_keys[%d]", i), "key "+k.Name)
		if k.Environment != string(skan.Production) && k.Environment != string(skan.Development) {
			bad("trusted_keys[%d].environment: want production or development, got %q", i, k.Environment)
		}
	}
	for i := range b.Rates {
		where := fmt.Sprintf("rates[%d]", i)
		once(where, "rate of "+b.Rates[i].Currency+" on "+b.Rates[i].Date)
		if err := b.Rates[i].check(where); err != nil {
			faults = append(faults, err)
		}
	}
	if len(b.TrustedKeys) > 0 {
		if _, err := skan.AppleKeys().With(b.Trusted()...); err != nil {
			bad("trusted_keys: %w", err)
		}
	}
	return Refuse(errors.Join(faults...))
}

func (a *App) check(where string) []error {
	var faults []error
	if a.AppID <= 0 {
		faults = append(faults, fmt.Errorf("%s.app_id: give the App Store id, a positive number", where))
	}
	if err := a.Settings().Validate(); err != nil {
		faults = append(faults, fmt.Errorf("%s.%w", where, err))
	}
	if _, err := a.Retention(); err != nil {
		faults = append(faults, fmt.Errorf("%s.%w", where, err))
	}
	faults = append(faults, a.AppConsented.check(where)...)
	if !schema.CurrencyKnown(a.Settings().Currency) {
		faults = append(faults, fmt.Errorf("%s.currency: %q is not in ISO 4217", where, a.Currency))
	}
	d, err := a.Document()
	if err != nil {
		return append(faults, fmt.Errorf("%s.schema: %w", where, err))
	}
	if d == nil {
		return faults
	}
	for _, f := range d.Validate().Errors {
		faults = append(faults, fmt.Errorf("%s.schema%s: %s: %s", where, f.Pointer, f.Code, f.Message))
	}
	for _, f := range a.Misfits(d) {
		faults = append(faults, fmt.Errorf("%s.schema%s: %s", where, f.Pointer, f.Message))
	}
	return faults
}

func (n *Network) check(where string) []error {
	var faults []error
	for _, id := range append([]string{n.NetworkID}, n.Aliases...) {
		if !networkID.MatchString(id) {
			faults = append(faults, fmt.Errorf("%s: %q is no network id: letters, digits, dot and hyphen", where, id))
		}
	}
	if n.ShortForm != "" && n.ShortForm != aggregate.ShortLast && n.ShortForm != aggregate.ShortFirst {
		faults = append(faults, fmt.Errorf("%s.short_form: want last or first, got %q", where, n.ShortForm))
	}
	if _, err := n.Delay(); err != nil {
		faults = append(faults, fmt.Errorf("%s.%w", where, err))
	}
	faults = append(faults, n.NetworkConsented.check(where)...)
	for i, c := range n.Campaigns {
		for name, day := range map[string]*string{"from": c.From, "to": c.To} {
			if day == nil {
				continue
			}
			if _, err := time.Parse(time.DateOnly, *day); err != nil {
				faults = append(faults, fmt.Errorf("%s.campaigns[%d].%s: %q is no day such as 2026-11-01", where, i, name, *day))
			}
		}
	}
	return faults
}
