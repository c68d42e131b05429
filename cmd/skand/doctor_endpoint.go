package main

import (
	"context"
	"net/netip"

	"skand/internal/endpoint"
)

// endpoint tries the public address from outside in, with one GET of /healthz.
func (d *doctor) endpoint(ctx context.Context, address string, allow []netip.Prefix) {
	const check = "endpoint"
	if address == "" {
		d.say(levelOK, check, "--endpoint", "not given, so the public address was not tried",
			"run `skand doctor --endpoint https://YOUR.HOST`, best from outside your network")
		return
	}
	for _, f := range endpoint.Check(ctx, address, allow, d.now()) {
		d.say(f.Level, check, f.Where, f.Found, f.Todo)
	}
}
