package forward

import (
	"strings"
	"time"
)

// Scopes of a destination.
const (
	ScopeAll        = "all"        // every conversion of the app, organic ones too
	ScopeAttributed = "attributed" // only those attributed to the destination's network
)

// What happens to a query parameter whose macro has no value.
const (
	MissingDrop  = "drop"
	MissingEmpty = "empty"
)

// The only method, schedule and signing that this version knows.
const (
	MethodGet       = "GET"
	ScheduleDefault = "default"
	SigningNone     = "none"
)

// Destination is a receiver of conversions, as an operator writes it (`skand
// apply`). In JSON and YAML durations are strings: "10s", "7d".
type Destination struct {
	ID          string
	NetworkID   string // lower case; "" only with scope all
	AppID       int64
	Kinds       []string // install, event, modeled
	Scope       string   // all, attributed
	Method, URL string
	EventMap    map[string]string // our event name -> theirs; others are not sent
	SendRevenue bool
	Schedule    string
	Signing     string
	Delay       time.Duration // 0 to 10 minutes
	Timeout     time.Duration // of one attempt
	Missing     string        // drop, empty
	Expires     time.Duration // counted from the event
	Enabled     bool
	InFlight    int           // requests at a time
	Hold        time.Duration // how long what looks like fraud waits for an operator; 0: it does not
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
