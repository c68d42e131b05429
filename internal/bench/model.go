package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"skand/aggregate"
	"skand/aggregate/model"
	"skand/fixtures/worlds"
	"skand/schema"
)

// modelWeeks are the windows that the modelled installs lie in.
const modelWeeks = 10

// model measures, in CPU time of one core, what modelling an app's published rows costs:
// reading them, all fits, and the draws of every row. Beside the bar of seconds it is
// told how many bare loops of as many gamma draws as rows have, which no machine changes.
func (b *bench) model(ctx context.Context) error {
	app, err := publishedWorld(b.sizes.Model / modelWeeks)
	if err != nil {
		return err
	}
	fmt.Fprintf(b.notes, "bench: model: %d installs in %d rows, %d consented cohorts\n", app.installs, app.rows, len(app.evidence))
	settings := model.Defaults()
	var predict, draw []float64
	for round := range b.sizes.Rounds + 1 { // the first warms up
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		took, err := cpuOf(func() error { return app.predict(settings) })
		if err != nil {
			return err
		}
		bare, err := cpuOf(func() error { return gammas(app.rows * settings.Draws) })
		if err != nil {
			return err
		}
		if round > 0 {
			predict, draw = append(predict, took), append(draw, bare)
		}
	}
	const allowed = 3 // seconds
	what := fmt.Sprintf("%.2f s, %d rows", median(predict), app.rows)
	b.report.add("model.published", ratios(predict, slices.Repeat([]float64{allowed}, len(predict))), what, "3 s")
	b.report.add("model.draws", ratios(predict, draw), what, millis(median(draw)))
	return nil
}

// publishedApp is all that a model reads of an app.
type publishedApp struct {
	windows        []aggregate.ModelWindow
	alphabet       *aggregate.Alphabet
	evidence       []model.Evidence
	rows, installs int
}

// publishedWorld is what the sealer would publish of an app, at its smallest k and b and
// thus with the most rows, and the cohorts of those who consented.
func publishedWorld(aWeek int) (*publishedApp, error) {
	kind, ok := worlds.Find("worse")
	if !ok {
		return nil, errors.New("there is no scenario worse")
	}
	w, err := worlds.New(kind, 1, aWeek, modelWeeks)
	if err != nil {
		return nil, err
	}
	set := aggregate.Dataset{AppID: 1, Kind: aggregate.KindInstall, Environment: aggregate.EnvProduction}
	s := aggregate.DefaultSettings()
	s.K, s.B = aggregate.FloorK, aggregate.FloorB
	meanings := []aggregate.Meaning{aggregate.MeaningOf(1, w.Schema, set)}
	out := &publishedApp{alphabet: aggregate.NewAlphabet(map[int]*schema.Document{1: w.Schema}, set)}
	consented := map[worlds.Place]*model.Evidence{}
	for i, week := range w.Weeks {
		p := aggregate.Cut(set, s, aggregate.Batch{Groups: week.Groups, Schemas: meanings})
		out.windows = append(out.windows, aggregate.ModelWindow{Window: i, B: s.B, Rows: p.Rows, Remainders: p.Remainders, Values: p.Values})
		out.rows += len(p.Rows)
		for _, r := range p.Rows {
			out.installs += r.Installs
		}
		for place, t := range week.Truth {
			c := place.Campaign()
			if consented[c] == nil {
				consented[c] = &model.Evidence{Network: c.Network, Campaign: c.Source}
			}
			consented[c].Installs += float64(t.Consented)
			consented[c].Payers += float64(t.ConsentedPay)
		}
	}
	for _, e := range consented {
		out.evidence = append(out.evidence, *e)
	}
	slices.SortFunc(out.evidence, func(a, b model.Evidence) int {
		return cmp.Or(cmp.Compare(a.Network, b.Network), cmp.Compare(a.Campaign, b.Campaign))
	})
	return out, nil
}

func (p *publishedApp) predict(s model.Settings) error {
	in, err := aggregate.NewModelInput(p.alphabet, p.windows)
	if err != nil {
		return err
	}
	in.Consented = p.evidence
	prediction, err := in.Predict(s, 1)
	if err != nil {
		return err
	}
	for i := range p.rows {
		if x := prediction.Of(i, 0); x.Low > x.Estimate || x.Estimate > x.High {
			return fmt.Errorf("row %d: %v lies outside its interval", i, x)
		}
	}
	return nil
}

// gammas is the bare loop.
func gammas(n int) error {
	g := distuv.Gamma{Alpha: 2.5, Beta: 1, Src: rand.New(rand.NewPCG(1, 1))}
	sum := 0.0
	for range n {
		sum += g.Rand()
	}
	if sum <= 0 {
		return errors.New("gamma draws are positive")
	}
	return nil
}

// cpuOf is the CPU time of f, in seconds.
func cpuOf(f func() error) (float64, error) {
	began, err := cpuTime()
	if err != nil {
		return 0, err
	}
	if err := f(); err != nil {
		return 0, err
	}
	ended, err := cpuTime()
	return (ended - began).Seconds(), err
}
