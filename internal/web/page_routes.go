package web

import "skand/internal/auth"

// pageRoutes are the pages. Every one of them is whole for each role that it takes: what
// a role may not see is not in what it is filled with.
func (a *Admin) pageRoutes() []route {
	return append([]route{
		{"GET /{$}", auth.Viewer, a.overviewPage},
		{"POST /endpoint", auth.Operator, a.checkEndpoint},
		{"GET /cohorts", auth.Viewer, a.cohortsPage},
		{"GET /cohorts/export", auth.Viewer, a.cohortsExport},
	}, a.schemaPageRoutes()...)
}
