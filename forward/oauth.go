package forward

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
	"golang.org/x/sync/singleflight"

	"skand/internal/clock"
)

const (
	// tokenLife is that of a token whose endpoint names none.
	tokenLife = time.Hour
	// tokenMargin is how long before its end a token is fetched anew: the request that
	// bears it must still find it valid.
	tokenMargin = time.Minute
	// renewedFor is how long a token that replaced a refused one is believed in.
	renewedFor = time.Minute
)

// tokens fetches and keeps OAuth tokens, in memory only.
type tokens struct {
	client *http.Client
	clock  clock.Clock
	flight singleflight.Group

	mu      sync.Mutex
	held    map[string]*token   // by destination
	clients map[string]*granted // by destination
}

// granted is a client of an endpoint; it remembers which way to authenticate works.
type granted struct {
	grant string
	clientcredentials.Config
}

type token struct {
	grant   string // whose secret and which endpoint: another one's token is none
	value   string // "": it was dropped
	fetched time.Time
	until   time.Time
	renewed bool // it took the place of one that the receiver refused
}

func newTokens(client *http.Client, now clock.Clock) *tokens {
	own := *client // a redirect would take the secret to where nobody approved
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &tokens{client: &own, clock: now, held: map[string]*token{}, clients: map[string]*granted{}}
}

// get returns a token that is valid, fetching one if need be. Those who come while
// it is fetched wait for the same one, and for the same error.
func (t *tokens) get(ctx context.Context, d Destination, secret string) (string, error) {
	grant := strings.Join(append([]string{d.OAuth.TokenURL, d.OAuth.ClientID, secret}, d.OAuth.Scopes...), "\x00")
	if value := t.valid(d.ID, grant); value != "" {
		return value, nil
	}
	done := t.flight.DoChan(d.ID+"\x00"+grant, func() (any, error) {
		if value := t.valid(d.ID, grant); value != "" {
			return value, nil
		}
		// Who asked first may give up; the others still wait for it.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.Timeout)
		defer cancel()
		return t.fetch(ctx, d, grant, secret)
	})
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case got := <-done:
		if got.Err != nil {
			return "", got.Err
		}
		value, _ := got.Val.(string)
		return value, nil
	}
}

func (t *tokens) valid(id, grant string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.held[id]
	if k == nil || k.grant != grant || !t.clock.Now().Before(k.until) {
		return ""
	}
	return k.value
}

func (t *tokens) fetch(ctx context.Context, d Destination, grant, secret string) (string, error) {
	ctx = context.WithValue(ctx, oauth2.HTTPClient, t.client)
	asked := t.clock.Now()
	got, err := t.clientOf(d, grant, secret).Token(ctx)
	if err != nil {
		return "", tokenError(err)
	}
	if !strings.EqualFold(got.Type(), "bearer") {
		return "", &TokenError{ClassHeld, "the token endpoint gave a token that is no bearer token"}
	}
	if got.AccessToken == "" || !fitsHeader(got.AccessToken) {
		return "", &TokenError{ClassHeld, "the token endpoint gave a token that no header can carry"}
	}
	life := expiresIn(got)
	t.mu.Lock()
	defer t.mu.Unlock()
	old := t.held[d.ID]
	t.held[d.ID] = &token{
		grant: grant, value: got.AccessToken, fetched: asked, until: asked.Add(life - min(tokenMargin, life/4)),
		renewed: old != nil && old.grant == grant && old.value == "",
	}
	return got.AccessToken, nil
}

func (t *tokens) clientOf(d Destination, grant, secret string) *granted {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.clients[d.ID]
	if c == nil || c.grant != grant {
		o := d.OAuth
		c = &granted{grant, clientcredentials.Config{ClientID: o.ClientID, ClientSecret: secret, TokenURL: o.TokenURL, Scopes: o.Scopes}}
		t.clients[d.ID] = c
	}
	return c
}

// expiresIn reads the lifetime from the answer: the library's own time of expiry is of
// a clock that nobody injected.
func expiresIn(got *oauth2.Token) time.Duration {
	seconds, err := strconv.ParseFloat(fmt.Sprint(got.Extra("expires_in")), 64)
	if err != nil || seconds <= 0 {
		return tokenLife
	}
	return time.Duration(min(seconds, 30*24*3600) * float64(time.Second))
}

// Renewer is what Credentials are that go stale before their time.
type Renewer interface {
	Renew(d Destination, r Rendered) bool
}

func renew(c Credentials, d Destination, r Rendered) bool {
	stale, ok := c.(Renewer)
	return ok && stale.Renew(d, r)
}

// Renew implements Renewer. It is told that a receiver answered 401 to r, which Apply has worked on. true: it
// bore a token that has been dropped, so the next attempt brings another, and this one
// counts as to be retried. false: there is none, or it is new and was refused like the
// one before it.
func (s *Signer) Renew(d Destination, r Rendered) bool {
	value, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if d.OAuth == nil || !bearer {
		return false
	}
	return s.tokens.drop(d.ID, value)
}

func (t *tokens) drop(id, value string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.held[id]
	if k == nil {
		return false
	}
	if k.value != value {
		return true // another attempt has dropped it already
	}
	if k.renewed && t.clock.Now().Sub(k.fetched) < renewedFor {
		return false
	}
	k.value, k.until = "", time.Time{}
	return true
}
