// Package config owns what an operator can set: the names, the defaults, the
// order of the sources (defaults, then the file, then the environment, then
// flags) and which values are refused. It refuses to be a bag for domain rules:
// how an app's windows are cut or where conversions go comes in with `skand
// apply`, not from here. It opens nothing but the file.
package config

import (
	"net/url"
	"time"
)

// Config is everything that `skand serve` can be told.
type Config struct {
	DB             string   // sqlite:DIR or postgres://…; may hold a password, see Redacted
	Published      string   // the same; "" is beside DB
	Public         string   // host:port of postbacks and S2S
	Admin          string   // host:port of pages, API and metrics
	Roles          []string // of Roles, what this process does
	Lab            bool     // the clock may be moved; only on a store made so
	TrustedProxies []string // CIDRs or addresses whose X-Forwarded-For is believed
	P192           bool     // SKAdNetwork 1.0 and 2.0 are checked; off: kept as unsupported
	Jobs           map[string]string
	Log            Log
	Limits         Limits
	Timeouts       Timeouts
	Alerts         Alerts
	PublicURL      string // https://host where Apple and networks reach the public listener; "": not told
	AdminURL       string // https://host where people find the admin listener; "": on this machine
	Sessions       Sessions
	OIDC           OIDC

	// AdminToken is the bootstrap admin's token. It comes from SKAND_ADMIN_TOKEN
	// alone: a secret is not for files and process lists.
	AdminToken Secret

	// MasterKey seals what identifies people: SKAND_MASTER_KEY, from there alone. ""
	// leaves it to the store to keep a key of its own.
	MasterKey Secret
}

// Log says how the log is written, to standard error.
type Log struct {
	Level  string // debug, info, warn, error
	Format string // text, json
}

// Limits bound what one request may hold.
type Limits struct {
	Body       int // bytes of one postback
	RelayBody  int // bytes of one relay request
	RelayLines int // postbacks of one relay request
	S2SItems   int // clicks, installs or events of one request
	P192       int // P-192 checks at once; 0 is half of the processors
}

// Timeouts bound how long one request may take.
type Timeouts struct {
	ReadHeader time.Duration
	Read       time.Duration
	Write      time.Duration
	Idle       time.Duration
	Drain      time.Duration // from SIGTERM to the end
}

// Alerts says when a destination is worth a person's look.
type Alerts struct {
	OldestDue    time.Duration // the oldest delivery has been due for longer
	DeliveryRate int           // per cent of deliveries that arrive; below is an alert
	Span         time.Duration // of the rate
	Least        int           // deliveries below which a rate says nothing
}

// Sessions says how long somebody stays signed in.
type Sessions struct {
	Idle     time.Duration // without use
	Lifetime time.Duration // however much it is used
}

// OIDC is the OpenID provider that people sign in at; without an Issuer there is none.
type OIDC struct {
	Name            string // on the button
	Issuer          string
	ClientID        string
	ClientSecretEnv string // name of the variable that holds the secret; "": a public client
	Scopes          []string
	EmailClaim      string
	RoleClaim       string   // "": roles are given with skand user
	RoleMap         []string // VALUE=ROLE
	DefaultRole     string   // of whom RoleMap does not know; "": nobody
	AllowedDomains  []string // of addresses; none: all
	Provision       bool     // makes accounts; else they have to be there
	Apps            []string // of accounts that it makes; none: every app
	PrivateCIDRs    []string // where a provider inside the network may be
}

// The roles of a process.
const (
	RoleReceive = "receive" // takes postbacks and S2S
	RoleAdmin   = "admin"   // serves pages, API and metrics
	RoleJobs    = "jobs"    // runs cron jobs
	RoleForward = "forward" // delivers to networks
)

// Roles lists all roles of a process.
func Roles() []string { return []string{RoleReceive, RoleAdmin, RoleJobs, RoleForward} }

// Defaults is the configuration of a machine that was told nothing.
func Defaults() Config {
	return Config{
		DB:             "sqlite:./skand-data",
		Public:         ":8080",
		Admin:          "127.0.0.1:8081",
		Roles:          Roles(),
		TrustedProxies: []string{},
		P192:           true,
		Jobs: map[string]string{
			"decode":     "@every 5s",
			"seal":       "* * * * *",
			"model":      "*/5 * * * *",
			"partitions": "0 */6 * * *",
			"retention":  "17 3 * * *",
			"health":     "* * * * *",
		},
		Log: Log{Level: "info", Format: "text"},
		Limits: Limits{
			Body: 64 << 10, RelayBody: 8 << 20, RelayLines: 10_000, S2SItems: 1000,
		},
		Timeouts: Timeouts{
			ReadHeader: 5 * time.Second, Read: 15 * time.Second, Write: 30 * time.Second,
			Idle: 2 * time.Minute, Drain: 8 * time.Second,
		},
		Sessions: Sessions{Idle: 12 * time.Hour, Lifetime: 7 * 24 * time.Hour},
		OIDC: OIDC{
			Name: "Single sign-on", Scopes: []string{"openid", "email", "profile"}, EmailClaim: "email", RoleMap: []string{},
			AllowedDomains: []string{}, Apps: []string{}, PrivateCIDRs: []string{}, Provision: true,
		},
		Alerts: Alerts{OldestDue: 15 * time.Minute, DeliveryRate: 98, Span: 24 * time.Hour, Least: 50},
	}
}

// Does reports whether this process has the role.
func (c Config) Does(role string) bool {
	for _, r := range c.Roles {
		if r == role {
			return true
		}
	}
	return false
}

// Redacted is c for people's eyes: passwords in database URLs are replaced.
func (c Config) Redacted() Config {
	c.DB, c.Published = redact(c.DB), redact(c.Published)
	return c
}

func redact(location string) string {
	u, err := url.Parse(location)
	if err != nil {
		return "xxxxx" // what cannot be parsed cannot be cleaned
	}
	if q := u.Query(); q.Has("password") || q.Has("sslpassword") { // lib/pq takes them there, too
		for _, name := range []string{"password", "sslpassword"} {
			if q.Has(name) {
				q.Set(name, "xxxxx")
			}
		}
		u.RawQuery = q.Encode()
	}
	return u.Redacted()
}

// Secret is a string that does not print, log or marshal.
type Secret string

// String implements fmt.Stringer.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "xxxxx"
}

// GoString implements fmt.GoStringer.
func (s Secret) GoString() string { return `"` + s.String() + `"` }

// MarshalText implements encoding.TextMarshaler.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
