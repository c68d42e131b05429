package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// OpenID is how people sign in at a provider (OpenID Connect Core 1.0, code flow).
type OpenID struct {
	Issuer       string
	ClientID     string
	ClientSecret string // "" for a public client: PKCE is used either way
	Scopes       []string
	EmailClaim   string          // "email" where ""
	RoleClaim    string          // whose values RoleMap turns into a role; "": roles are given here
	RoleMap      map[string]Role // by value of the claim; the highest that fits counts
	DefaultRole  Role            // of whom the map knows nothing; RoleNone: refused
	Domains      []string        // of addresses that are let in; none: all
	Apps         []int64         // of new accounts; nil: every app
	Provision    bool            // makes accounts; else they must be there
	Client       *http.Client    // guarded: the provider names addresses that we then ask
	Now          func() time.Time
}

// ErrRefused is returned for a person whom the provider knows and we don't let in, or
// for an answer of the provider that proves nothing. Its text is for the log: it may
// say more than a stranger should hear.
var ErrRefused = errors.New("the sign-in at the provider is refused")

func refusedf(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrRefused, fmt.Errorf(format, args...))
}

// Flow is one sign-in under way, kept by the browser that began it.
type Flow struct {
	State    string `json:"s"`
	Nonce    string `json:"n"`
	Verifier string `json:"v"` // of PKCE
	Next     string `json:"x"` // page to go on to
	Begun    int64  `json:"t"` // ms
}

const flowLasts = 10 * time.Minute

// Identity is a person as the provider has proved it.
type Identity struct {
	Issuer, Subject, Email string
	Role                   Role // by the claim; RoleNone where it says nothing
}

// Provider talks to the provider. It asks for nothing before the first sign-in, so
// that a provider that is away keeps nobody from the rest.
type Provider struct {
	o     OpenID
	mu    sync.Mutex
	known *discovered
	away  error // why it did not answer, at since
	since time.Time
}

// discovered is what the provider says of itself.
type discovered struct {
	endpoint oauth2.Endpoint
	verifier *oidc.IDTokenVerifier
	at       time.Time
}

const (
	// rediscover bounds how long what the provider said of itself is believed.
	rediscover = time.Hour
	// awayRest keeps those who would sign in from all waiting for one that is away.
	awayRest = 5 * time.Second
)

// NewProvider takes checked options; see internal/config.
func NewProvider(o OpenID) *Provider { return &Provider{o: o} }

func (p *Provider) discover(ctx context.Context) (*discovered, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.o.Now()
	if p.known != nil && now.Sub(p.known.at) < rediscover {
		return p.known, nil
	}
	if rest := now.Sub(p.since); p.away != nil && rest >= 0 && rest < awayRest {
		return nil, p.away
	}
	found, err := oidc.NewProvider(oidc.ClientContext(ctx, p.o.Client), p.o.Issuer)
	if err != nil {
		p.away, p.since = fmt.Errorf("ask the OpenID provider %s who it is: %w", p.o.Issuer, err), now
		return nil, p.away
	}
	p.away = nil
	var more struct {
		Keys string `json:"jwks_uri"`
	}
	if err := found.Claims(&more); err != nil {
		return nil, fmt.Errorf("read what the OpenID provider says of itself: %w", err)
	}
	keys := &keySet{url: more.Keys, client: p.o.Client, now: p.o.Now}
	p.known = &discovered{endpoint: found.Endpoint(), at: now, verifier: oidc.NewVerifier(p.o.Issuer, keys, &oidc.Config{
		ClientID: p.o.ClientID, SupportedSigningAlgs: algorithmNames(), Now: p.o.Now,
	})}
	return p.known, nil
}

func (p *Provider) oauth(d *discovered, redirect string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: p.o.ClientID, ClientSecret: p.o.ClientSecret, Endpoint: d.endpoint, RedirectURL: redirect, Scopes: p.o.Scopes,
	}
}

// Begin gives the address to send the browser to, and what the browser has to bring
// back from there.
func (p *Provider) Begin(ctx context.Context, redirect, next string) (string, Flow, error) {
	d, err := p.discover(ctx)
	if err != nil {
		return "", Flow{}, err
	}
	f := Flow{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Next: next, Begun: p.o.Now().UnixMilli()}
	return p.oauth(d, redirect).AuthCodeURL(f.State, oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier)), f, nil
}

// Finish turns the code that came back into a person. The state must be the one that
// this browser was sent with, and the ID token must bear its nonce.
func (p *Provider) Finish(ctx context.Context, f Flow, redirect, state, code string) (Identity, error) {
	age := p.o.Now().Sub(time.UnixMilli(f.Begun))
	switch {
	case f.State == "" || subtle.ConstantTimeCompare([]byte(f.State), []byte(state)) != 1:
		return Identity{}, refusedf("the state is not the one that this browser began with")
	case age < 0 || age > flowLasts:
		return Identity{}, refusedf("it was begun %s ago", age)
	case code == "":
		return Identity{}, refusedf("the provider sent no code")
	}
	d, err := p.discover(ctx)
	if err != nil {
		return Identity{}, err
	}
	ctx = oidc.ClientContext(ctx, p.o.Client) // which is oauth2's as well
	answer, err := p.oauth(d, redirect).Exchange(ctx, code, oauth2.VerifierOption(f.Verifier))
	if err != nil {
		return Identity{}, p.exchangeFailed(err)
	}
	raw, ok := answer.Extra("id_token").(string)
	if !ok {
		return Identity{}, refusedf("the provider answered without an ID token")
	}
	token, err := d.verifier.Verify(ctx, raw)
	switch {
	case errors.Is(err, errKeysAway):
		return Identity{}, err
	case err != nil:
		return Identity{}, refusedf("ID token: %w", err)
	case f.Nonce == "" || subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(f.Nonce)) != 1:
		return Identity{}, refusedf("ID token: its nonce is not the one that this browser began with")
	}
	return p.identity(token)
}

// exchangeFailed tells a code that is no good from a provider that is away. The answer
// itself is told to nobody: it may repeat what we sent, the secret among it.
func (p *Provider) exchangeFailed(err error) error {
	var no *oauth2.RetrieveError
	switch {
	case errors.As(err, &no) && no.Response != nil && no.Response.StatusCode/100 == 4:
		return refusedf("the provider takes the code for nothing: %d %q", no.Response.StatusCode, no.ErrorCode)
	case errors.As(err, &no) && no.Response != nil:
		return fmt.Errorf("ask the OpenID provider for the ID token: it answered %d", no.Response.StatusCode)
	}
	return fmt.Errorf("ask the OpenID provider for the ID token: %w", err)
}

// identity reads the claims, by rule.
func (p *Provider) identity(token *oidc.IDToken) (Identity, error) {
	claims := map[string]any{}
	if err := token.Claims(&claims); err != nil {
		return Identity{}, refusedf("ID token: %w", err)
	}
	// A token for several parties says by azp for which one it was made (Core 3.1.3.7).
	if azp, there := claims["azp"]; (there || len(token.Audience) > 1) && azp != p.o.ClientID {
		return Identity{}, refusedf("ID token: was made for another party (azp)")
	}
	name := p.o.EmailClaim
	if name == "" {
		name = "email"
	}
	text, _ := claims[name].(string)
	email, err := NormaliseEmail(text)
	switch {
	case token.Subject == "":
		return Identity{}, refusedf("ID token: has no subject")
	case err != nil:
		return Identity{}, refusedf("ID token: claim %s: %w", name, err)
	case claims["email_verified"] != true && claims["email_verified"] != "true":
		// Anyone may write anybody's address into an account that nobody has checked.
		return Identity{}, refusedf("the provider has not verified the e-mail address")
	case len(p.o.Domains) > 0 && !slices.ContainsFunc(p.o.Domains, func(d string) bool { return strings.EqualFold(d, domainOf(email)) }):
		return Identity{}, refusedf("the domain of the address is not one of oidc.allowed_domains")
	}
	return Identity{Issuer: p.o.Issuer, Subject: token.Subject, Email: email, Role: p.roleOf(claims)}, nil
}

// roleOf is the highest role that the claim's values map to. The claim is text or a
// list of texts.
func (p *Provider) roleOf(claims map[string]any) Role {
	if p.o.RoleClaim == "" {
		return RoleNone
	}
	values, ok := claims[p.o.RoleClaim].([]any)
	if !ok {
		values = []any{claims[p.o.RoleClaim]}
	}
	best := RoleNone
	for _, v := range values {
		name, _ := v.(string)
		if r := p.o.RoleMap[name]; r.Covers(best) {
			best = r
		}
	}
	return best
}
