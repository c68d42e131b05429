package web

import "skand/internal/auth"

// templateRoutes are those of what destinations send.
func (a *Admin) templateRoutes() []route {
	return []route{
		{"GET /v1/templates", auth.Viewer, a.templates},
		{"POST /v1/templates:translate", auth.Editor, a.translateTemplate},
		{"POST /v1/destinations/{id}:render", auth.Operator, a.renderDestination},
		{"POST /v1/destinations/{id}:test", auth.Operator, a.testDestination},
		{"GET /v1/destinations/{id}/versions", auth.Operator, a.destinationVersions},
		{"GET /v1/destinations/{id}/versions/{version}", auth.Operator, a.destinationVersion},
		{"POST /v1/destinations/{id}/versions/{version}:rollback", auth.Operator, a.rollBackDestination},
	}
}
