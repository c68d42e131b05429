package main

import (
	"cmp"
	"context"

	"skand/internal/clock"
	"skand/internal/endpoint"
	"skand/internal/web"
)

// pages gives the admin listener what its pages need beside the API.
func (a *App) pages(admin *web.Admin) {
	admin.Site = &web.Site{
		Arrivals:  a.store,
		PublicURL: cmp.Or(a.cfg.PublicURL, a.PublicURL()),
		Check: func(ctx context.Context, address string) []endpoint.Finding {
			allow, err := a.store.AllowPrivate(ctx)
			if err != nil {
				a.log.ErrorContext(ctx, "allow-list not read", "error", err)
				return []endpoint.Finding{{Level: endpoint.Fail, Where: address, Found: "the store can't answer now; the log says why"}}
			}
			return endpoint.Check(ctx, address, allow, clock.Real{}.Now()) // certificates know no lab
		},
		Lab: a.lab != nil,
	}
	admin.Pages = web.NewPages(admin.Site, a.clock.Now, a.log)
}
