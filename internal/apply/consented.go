package apply

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// AppConsented are an app's settings about what consenting people's apps report.
type AppConsented struct {
	Events             []Event    `json:"events,omitempty"`              // the catalogue; empty: every name is known
	TestDevices        []string   `json:"test_devices,omitempty"`        // idfa, idfv or install ids of your own phones
	ConsentedRetention string     `json:"consented_retention,omitempty"` // "400d"
	StoreURL           string     `json:"store_url,omitempty"`           // where tracking links lead
	AllInstalls        bool       `json:"all_installs,omitempty"`        // the app reports every install, so the rest is organic
	Funnel             [][]string `json:"funnel,omitempty"`              // names of events, stage after stage
}

// Event is one line of an app's catalogue: what a name means, and who answers for it.
type Event struct {
	Name       string           `json:"name"`
	Definition string           `json:"definition,omitempty"`
	FiresWhen  string           `json:"fires_when,omitempty"`
	Owner      string           `json:"owner,omitempty"`
	Window     string           `json:"window,omitempty"`    // "7d" after the install; what comes later is kept and goes nowhere
	MinValue   *decimal.Decimal `json:"min_value,omitempty"` // in the app's currency; what is below is kept and goes nowhere
}

// NetworkConsented are a network's settings about its clicks.
type NetworkConsented struct {
	ClickWindow   string `json:"click_window,omitempty"`    // "7d"
	ViewWindow    string `json:"view_window,omitempty"`     // "24h"
	LinkSecretEnv string `json:"link_secret_env,omitempty"` // the variable that holds what signs its tracking links
}

// Rate is what one unit of a base common to all lines of a day costs in the currency.
type Rate struct {
	Date     string          `json:"date"` // YYYY-MM-DD
	Currency string          `json:"currency"`
	Rate     decimal.Decimal `json:"rate"`
}

// The field's windows, and the bounds of each.
const (
	DefaultClickWindow        = 7 * 24 * time.Hour
	DefaultViewWindow         = 24 * time.Hour
	MaxClickWindow            = 30 * 24 * time.Hour
	MaxViewWindow             = 7 * 24 * time.Hour
	DefaultConsentedRetention = 400 * 24 * time.Hour
	minConsentedRetention     = 30 * 24 * time.Hour
	maxConsentedRetention     = 1200 * 24 * time.Hour
	maxEventWindow            = 400 * 24 * time.Hour
	maxFunnels, maxStages     = 10, 6
)

// span reads a duration with days, within bounds; the default where none is written.
func span(field, text string, least, most, fallback time.Duration) (time.Duration, error) {
	if text == "" {
		return fallback, nil
	}
	d, err := time.ParseDuration(text)
	if number, ok := strings.CutSuffix(text, "d"); ok {
		var days int
		days, err = strconv.Atoi(number)
		d = time.Duration(min(max(days, -1), 10_000)) * 24 * time.Hour
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %q is no duration; write it as 30m, 6h or 3d", field, text)
	}
	if d < least || d > most {
		return 0, fmt.Errorf("%s: %s is out of range; set %s to %s", field, text, spanText(least), spanText(most))
	}
	return d.Truncate(time.Millisecond), nil
}

func spanText(d time.Duration) string {
	if d >= 48*time.Hour && d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	}
	return strings.TrimSuffix(strings.TrimSuffix(d.String(), "0s"), "0m")
}

// Windows are how long before an install a click and a view of the network may lie.
func (n *NetworkConsented) Windows() (click, view time.Duration, err error) {
	if click, err = span("click_window", n.ClickWindow, time.Hour, MaxClickWindow, DefaultClickWindow); err != nil {
		return 0, 0, err
	}
	view, err = span("view_window", n.ViewWindow, time.Hour, MaxViewWindow, DefaultViewWindow)
	return click, view, err
}

// KeepsConsented is how long installs and their events are kept after they came.
func (a *AppConsented) KeepsConsented() (time.Duration, error) {
	return span("consented_retention", a.ConsentedRetention, minConsentedRetention, maxConsentedRetention, DefaultConsentedRetention)
}

// WithinInstall is how long after the install the event counts; 0: always.
func (e *Event) WithinInstall() (time.Duration, error) {
	return span("window", e.Window, time.Hour, maxEventWindow, 0)
}

// StorePage is where a tracking link of the app leads.
func StorePage(appID int64, storeURL string) string {
	if storeURL != "" {
		return storeURL
	}
	return "https://apps.apple.com/app/id" + strconv.FormatInt(appID, 10)
}

// storeHosts are Apple's: a tracking link that led anywhere else would lend our name
// to whoever can write a configuration.
var storeHosts = []string{"apps.apple.com", "itunes.apple.com"}

var (
	environmentName = regexp.MustCompile(`^[A-Z_][A-Z0-9_]*$`)
	currencyCode    = regexp.MustCompile(`^[A-Z]{3}$`)
)

func (a *AppConsented) check(where string) []error {
	var faults []error
	bad := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("%s."+format, append([]any{where}, args...)...))
	}
	if _, err := a.KeepsConsented(); err != nil {
		bad("%w", err)
	}
	if a.StoreURL != "" {
		u, err := url.Parse(a.StoreURL)
		if err != nil || u.Scheme != "https" || u.User != nil || !slices.Contains(storeHosts, u.Host) {
			bad("store_url: %q is no page of the App Store; write https://apps.apple.com/…", a.StoreURL)
		}
	}
	for i, id := range a.TestDevices {
		if strings.TrimSpace(id) == "" || len(id) > 200 {
			bad("test_devices[%d]: give an idfa, an idfv or an install id of at most 200 bytes", i)
		}
	}
	named := map[string]bool{}
	for i := range a.Events {
		e := &a.Events[i]
		switch {
		case e.Name == "":
			bad("events[%d].name: name the event as the app reports it", i)
		case named[e.Name]:
			bad("events[%d].name: %s is there twice; keep one", i, e.Name)
		}
		named[e.Name] = true
		if _, err := e.WithinInstall(); err != nil {
			bad("events[%d].%w", i, err)
		}
		if e.MinValue != nil && (e.MinValue.IsNegative() || e.MinValue.Exponent() < -9 || e.MinValue.NumDigits() > 20) {
			bad(`events[%d].min_value: %s is out of range; write an amount in the app's currency, such as "5.00"`, i, e.MinValue)
		}
	}
	return append(faults, a.checkFunnels(where, named)...)
}

func (a *AppConsented) checkFunnels(where string, named map[string]bool) []error {
	var faults []error
	if len(a.Funnel) > maxFunnels {
		faults = append(faults, fmt.Errorf("%s.funnel: %d funnels are too many; keep %d", where, len(a.Funnel), maxFunnels))
	}
	for i, stages := range a.Funnel {
		if len(stages) == 0 || len(stages) > maxStages {
			faults = append(faults, fmt.Errorf("%s.funnel[%d]: name 1 to %d events, stage after stage", where, i, maxStages))
		}
		seen := map[string]bool{}
		for j, name := range stages {
			switch {
			case name == "" || seen[name]:
				faults = append(faults, fmt.Errorf("%s.funnel[%d][%d]: %q is no stage of its own; name each event once", where, i, j, name))
			case len(named) > 0 && !named[name]:
				faults = append(faults, fmt.Errorf("%s.funnel[%d][%d]: %q is not in events; add it to the catalogue, or correct the name", where, i, j, name))
			}
			seen[name] = true
		}
	}
	return faults
}

func (n *NetworkConsented) check(where string) []error {
	var faults []error
	if _, _, err := n.Windows(); err != nil {
		faults = append(faults, fmt.Errorf("%s.%w", where, err))
	}
	if n.LinkSecretEnv != "" && !environmentName.MatchString(n.LinkSecretEnv) {
		faults = append(faults, fmt.Errorf("%s.link_secret_env: %q is no name of an environment variable; the secret itself does not belong here", where, n.LinkSecretEnv))
	}
	return faults
}

// maxRateDigits keeps a short text such as 1e9999 from standing for as many digits.
const maxRateDigits = 12

func (r *Rate) check(where string) error {
	switch _, err := time.Parse(time.DateOnly, r.Date); {
	case err != nil:
		return fmt.Errorf("%s.date: %q is no day such as 2026-11-01", where, r.Date)
	case !currencyCode.MatchString(r.Currency):
		return fmt.Errorf("%s.currency: want a three-letter ISO 4217 code, got %q", where, r.Currency)
	case !r.Rate.IsPositive(), r.Rate.Exponent() < -maxRateDigits, r.Rate.NumDigits()+int(r.Rate.Exponent()) > maxRateDigits:
		return fmt.Errorf("%s.rate: %s is out of range; write how many %s one unit of the base is, above 0", where, shortly(r.Rate), r.Currency)
	}
	return nil
}

func shortly(d decimal.Decimal) string {
	if d.Exponent() > maxRateDigits || d.Exponent() < -2*maxRateDigits {
		return "it"
	}
	return d.String()
}

// MarshalJSON writes the rate as a decimal string, as money is everywhere.
func (r Rate) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"date": r.Date, "currency": r.Currency, "rate": r.Rate.String()})
}
