package main

import (
	"context"

	"skand/aggregate"
	"skand/internal/jobs"
)

// model estimates what Apple withholds, of the windows that were sealed since its last
// run. It reads published rows, so it needs no decode before it.
func (a *App) model(ctx context.Context) (jobs.Result, error) {
	m := &aggregate.Modeller{Store: a.store, Published: a.store, Clock: a.clock, Log: a.log, Settings: aggregate.DefaultModelSettings()}
	n, err := m.Run(ctx)
	a.wake()
	return jobs.Result{Rows: int64(n)}, err
}
