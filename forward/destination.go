package forward

import (
	"strings"
	"time"
)

// Scopes of a destination.
const (
	ScopeAll        = "all"        // every conversion of the app, organic ones too
	ScopeAttributed = "attributed" // only those attributed to the destination's network
	// ScopeNetworkAgency is attributed, and what an agency bought on other networks.
	ScopeNetworkAgency = "network+agency"
)

// What happens to a query parameter whose macro has no value.
const (
	MissingDrop  = "drop"
	MissingEmpty = "empty"
)

// Methods of a request.
const (
	MethodGet  = "GET"
	MethodPost = "POST"
)

// Forms of a body. Without one ("") the URL says everything.
const (
	BodyForm = "form" // application/x-www-form-urlencoded
	BodyJSON = "json"
	BodyRaw  = "raw" // Apple's own bytes; of kind postback only
)

// ScheduleDefault is the schedule of a destination that names none.
const ScheduleDefault = "default"

// How a request proves who sends it. Beside these a secret may stand in headers and
// in query_auth, where a network wants it so.
const (
	SigningNone             = "none"
	SigningStandardWebhooks = "standard-webhooks" // https://www.standardwebhooks.com, version 1
	SigningBearer           = "bearer"            // Authorization: Bearer and the secret
	SigningJWS              = "jws"               // ES256, detached (RFC 7515, appendix F)
)

// What a delivery's life is counted from.
const (
	FromEvent   = "event"
	FromInstall = "install"
	FromClick   = "click"
)

// What happens to a later figure of what was sent already.
const (
	RevisionsOnce    = "once"    // it is not sent: a network that adds would count twice
	RevisionsReplace = "replace" // it is sent, with row_id and a higher revision
)

// Destination is a receiver of conversions, as an operator writes it (`skand
// apply`). In JSON and YAML durations are strings: "10s", "7d".
type Destination struct {
	ID        string
	Owner     string // who is asked when it fails; free text
	NetworkID string // lower case; "" only with scope all
	AppID     int64
	Agency    bool     // also hears of conversions and postbacks of networks not its own
	Kinds     []string // install, event, modeled, postback, rejected
	Scope     string   // all, attributed, network+agency

	EventMap    map[string]string // our event name -> theirs; others are not sent
	EventWindow time.Duration     // events later than this after the install are not sent; 0: no bound
	Filter      *Filter
	Consent     *Consent
	SendRevenue bool
	Revisions   string        // once, replace
	Delay       time.Duration // 0 to 10 minutes
	Hold        time.Duration // how long what looks like fraud waits for an operator; 0: it does not

	Method, URL  string
	Body         string            // "", form, json, raw
	BodyTemplate string            // JSON text or form pairs with macros; "" = the standard document of the kind
	Headers      map[string]string // name -> template; {secret} may stand in it
	QueryAuth    map[string]string // query parameter -> template with {secret}, added to the URL when it is sent
	Missing      string            // drop, empty

	Signing   string
	SecretEnv string // the environment variable that a secret is read from; never the secret
	OAuth     *OAuth

	Schedule    string        // default, a preset, or durations: "30s,2m,10m"
	Timeout     time.Duration // of one attempt
	Expires     time.Duration
	ExpiresFrom string // event, install, click
	Enabled     bool
	InFlight    int    // requests at a time
	Rate        string // "50/s", "600/m", "10000/h"; "" = no bound
}

// Filter says which conversions a destination takes. Every part that is there must
// agree; a conversion without the value that a part looks at does not pass it. (Within
// Where a missing text is "", and a missing number compares with nothing.)
type Filter struct {
	Campaigns  []string `json:"campaigns,omitempty"`   // campaign_id
	Countries  []string `json:"countries,omitempty"`   // ISO 3166-1 alpha-2
	MinRevenue string   `json:"min_revenue,omitempty"` // in the app's currency, a decimal
	MaxRevenue string   `json:"max_revenue,omitempty"`
	Where      string   `json:"where,omitempty"` // a predicate over macros: country in ["DE"] and revenue_converted > 5
}

// Consent is what is sent of a person by the state of their consent. nil stands for
// sending with what that state permits.
type Consent struct {
	Authorized *ConsentTemplate `json:"authorized,omitempty"` // ATT authorized
	Denied     *ConsentTemplate `json:"denied,omitempty"`     // any other ATT status
	Limited    *ConsentTemplate `json:"limited,omitempty"`    // Limited Data Sharing: block, and nothing else
}

// ConsentTemplate takes the place of the destination's own. In documents it is
// "send", "block", or an object.
type ConsentTemplate struct {
	Block        bool
	URL          string // "" = the destination's
	BodyTemplate string // "" = the destination's
}

// OAuth fetches the bearer token with the client credentials grant (RFC 6749, 4.4).
type OAuth struct {
	TokenURL  string   `json:"token_url"`
	ClientID  string   `json:"client_id"`
	SecretEnv string   `json:"secret_env"`
	Scopes    []string `json:"scopes,omitempty"`
}

// WithDefaults fills what an operator may leave out. The defaults send least:
// only the network's own conversions, without revenue. Enabled has no default
// here, for false is a choice; reading JSON or YAML sets it when it is absent.
func (d Destination) WithDefaults() Destination {
	or := func(s *string, def string) {
		if *s == "" {
			*s = def
		}
	}
	or(&d.Scope, ScopeAttributed)
	or(&d.Method, MethodGet)
	or(&d.Schedule, ScheduleDefault)
	or(&d.Signing, SigningNone)
	or(&d.Missing, MissingDrop)
	or(&d.Revisions, RevisionsOnce)
	or(&d.ExpiresFrom, FromEvent)
	if d.Signing == SigningStandardWebhooks && d.Body == "" && d.Method == MethodPost {
		d.Body = BodyJSON // it signs a body
	}
	if d.Timeout == 0 {
		d.Timeout = 10 * time.Second
	}
	if d.Expires == 0 {
		d.Expires = 7 * 24 * time.Hour
	}
	if d.InFlight == 0 {
		d.InFlight = 4
	}
	d.NetworkID = strings.ToLower(d.NetworkID)
	return d
}

// lease outlives the longest attempt by far, so that it lapses only when the
// process that holds it is gone.
func (d Destination) lease() time.Duration { return 2*d.Timeout + 30*time.Second }
