package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"skand/forward"
	"skand/internal/safehttp"
	"skand/internal/store"
)

const checkForward = "forward"

// Names are looked up side by side, each for so long: one dead name server must not
// use up the time of all checks.
const (
	lookups    = 8
	lookupTime = 5 * time.Second
)

// destinations looks at what would keep conversions from leaving: secrets that are
// missing, destinations that stand still, hosts that are not dialed. No request is
// made, and nothing is connected to but the resolver.
func (d *doctor) destinations(ctx context.Context, x *store.Examination) {
	if x.Forwarding != nil {
		if x.Main.Version == x.Main.Newest {
			d.say(levelFail, checkForward, "destinations", x.Forwarding.Error(), "run `skand migrate`; look at the role's grants")
		}
		return // else the store is older than this program, as its own check says
	}
	found := d.resolve(ctx, x.Destinations, x.AllowPrivate)
	for _, one := range x.Destinations {
		where := "destination " + one.Destination.ID
		if !one.Destination.Enabled {
			d.say(levelOK, checkForward, where, "off: its definition has enabled: false", "")
			continue
		}
		before := len(d.found)
		d.standing(where, one.Registered)
		d.secrets(where, one)
		for _, e := range one.Destination.Endpoints() {
			if err := found[e.URL]; err != nil {
				level, todo := remedyOfHost(err)
				d.say(level, checkForward, where, fmt.Sprintf("%s %s: %s", e.Field, e.URL, err), todo)
			}
		}
		if len(d.found) == before {
			d.say(levelOK, checkForward, where, "active; its secrets are there, its addresses may be dialed", "")
		}
	}
}

func (d *doctor) standing(where string, r forward.Registered) {
	id := r.Destination.ID
	state, why := r.State()
	if !r.Since.IsZero() {
		why += ", since " + r.Since.UTC().Format(time.RFC3339)
	}
	switch state {
	case forward.DestinationOpen:
		d.say(levelWarn, checkForward, where, "open, only probes are sent: "+why,
			"look at the receiver; it closes by itself, or `skand destination resume "+id+"`")
	case forward.DestinationPaused:
		d.say(levelFail, checkForward, where, "paused, everything waits: "+why,
			"repair secret or URL; saving that, or `skand destination resume "+id+"`, sends what waits")
	case forward.DestinationDisabled:
		level, by := levelFail, "skand"
		if r.DisabledBy != "" {
			level, by = levelWarn, r.DisabledBy
		}
		d.say(level, checkForward, where, "disabled by "+by+", everything waits until it expires: "+why,
			"when the cause is gone: `skand destination enable "+id+"`")
	}
}

// secrets asks for each that is needed what a signer would: the store's current one,
// if it is of the variable that the definition names, then the environment.
func (d *doctor) secrets(where string, one store.DestinationSecrets) {
	envs := one.Destination.SecretEnvs()
	for _, purpose := range one.Destination.Purposes() {
		env, stored := envs[purpose], false
		for _, s := range one.Current {
			stored = stored || s.Purpose == purpose && (s.Env == "" || s.Env == env)
		}
		value := ""
		if env != "" && !stored {
			value = d.env(env)
		}
		set := "`skand secret set " + one.Destination.ID
		if purpose != forward.PurposeSigning {
			set += " --purpose " + purpose
		}
		set += " < FILE`"
		switch {
		case stored:
		case value == "" && env == "":
			d.say(levelFail, checkForward, where, "no "+purpose+" secret is stored and none is named; deliveries wait", set+", or name a variable in secret_env")
		case value == "":
			d.say(levelFail, checkForward, where, fmt.Sprintf("%s secret: %s is set neither in the store nor here; deliveries wait", purpose, env),
				set+", or `skand apply` where "+env+" is set")
		default:
			if err := one.Destination.CheckSecret(purpose, value); err != nil {
				d.say(levelFail, checkForward, where, fmt.Sprintf("%s secret in %s: %s", purpose, env, err), "correct "+env+", then `skand apply`")
			}
		}
	}
}

// resolve looks up every place that enabled destinations send to; nil: it may be dialed.
func (d *doctor) resolve(ctx context.Context, all []store.DestinationSecrets, allow []netip.Prefix) map[string]error {
	found := map[string]error{}
	for _, one := range all {
		for _, e := range one.Destination.Endpoints() {
			if one.Destination.Enabled {
				found[e.URL] = nil
			}
		}
	}
	var mu sync.Mutex
	var g errgroup.Group
	g.SetLimit(lookups)
	places := make([]string, 0, len(found))
	for place := range found {
		places = append(places, place)
	}
	for _, place := range places {
		g.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, lookupTime)
			defer cancel()
			err := safehttp.CheckURL(ctx, safehttp.Options{AllowPrivate: allow, Resolver: d.resolver}, place)
			mu.Lock()
			defer mu.Unlock()
			found[place] = err
			return nil
		})
	}
	_ = g.Wait() // none returns an error: each is in found
	return found
}

func remedyOfHost(err error) (level, todo string) {
	var partly *safehttp.PartlyError
	var blocked *safehttp.BlockedError
	var dns *net.DNSError
	switch {
	case errors.As(err, &partly):
		return levelWarn, "ask the receiver: all addresses of the name should be public"
	case errors.As(err, &blocked) && strings.Contains(blocked.Reason, "plain http"):
		return levelFail, "write https://; http is only for addresses in forward.allow_private_cidrs"
	case errors.As(err, &blocked):
		return levelFail, "write the receiver's public name, or, if it is yours, add its address to forward.allow_private_cidrs"
	case errors.As(err, &dns):
		return levelFail, "look at the spelling, and at the DNS of this machine"
	}
	return levelFail, "correct the URL and run `skand apply`"
}
