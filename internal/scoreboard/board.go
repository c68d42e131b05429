package scoreboard

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"

	"golang.org/x/sync/errgroup"

	"skand/aggregate/model"
	"skand/fixtures/worlds"
	"skand/schema"
)

// Methods, in the order in which they are printed.
const (
	Naive        = "drop nulls"
	Proportional = "proportional"
	Fallback     = "proportional, fall-back"
	Ours         = "model"
	Floor        = "floor"
)

// Methods lists them.
func Methods() []string { return []string{Naive, Proportional, Fallback, Ours, Floor} }

// Options of a board.
type Options struct {
	Scenarios []worlds.Scenario
	Seeds     []uint64
	Installs  int // a week
	Weeks     int
	Settings  model.Settings
	Workers   int // how many worlds are judged at once; 0: one. Results do not hang on it
}

// Line is one scenario, over all seeds: means of scores, with biases as means of their
// absolute values, for a bias that changes its sign from app to app is one in each.
type Line struct {
	Scenario string
	Seeds    int                // worlds that were judged
	NoSignal int                // worlds that were not, for there was nothing to estimate from
	Null     float64            // share of installs, in percent
	Scores   map[string]Score   // by method
	Signed   map[string]Amounts // biases by method, as means with their signs
	Cell     Covered
	Campaign Covered
	Network  Covered
	Floor    Widths // of who knows the true parameters; full counts only
	Told     Told   // published rows only
}

// outcome is one world, judged.
type outcome struct {
	none     bool // nothing to estimate from
	null     float64
	scores   map[string]Score
	cell     Covered
	campaign Covered
	network  Covered
	floor    Widths
	told     Told
}

// Run judges all methods on full counts. progress is called after each world.
func Run(ctx context.Context, o Options, progress func()) ([]Line, error) {
	return board(ctx, o, progress, func(s worlds.Scenario, seed uint64) (outcome, error) {
		w, err := worlds.New(s, seed, o.Installs, o.Weeks)
		if err != nil {
			return outcome{}, err
		}
		return onFullCounts(w, o.Settings, seed)
	})
}

// board judges every scenario with every seed, and adds up in their order.
func board(ctx context.Context, o Options, progress func(), judge func(worlds.Scenario, uint64) (outcome, error)) ([]Line, error) {
	outcomes := make([][]outcome, len(o.Scenarios))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, o.Workers))
	var reporting sync.Mutex
	for i, s := range o.Scenarios {
		outcomes[i] = make([]outcome, len(o.Seeds))
		for j, seed := range o.Seeds {
			group.Go(func() error {
				if err := ctx.Err(); err != nil {
					return err
				}
				out, err := judge(s, seed)
				if err != nil {
					return fmt.Errorf("scenario %s, seed %d: %w", s.Name, seed, err)
				}
				outcomes[i][j] = out
				reporting.Lock()
				defer reporting.Unlock()
				progress()
				return nil
			})
		}
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	lines := make([]Line, len(o.Scenarios))
	for i, s := range o.Scenarios {
		lines[i] = Line{Scenario: s.Name, Scores: map[string]Score{}, Signed: map[string]Amounts{}}
		for _, out := range outcomes[i] {
			lines[i].add(out)
		}
	}
	return lines, nil
}

func onFullCounts(w *worlds.World, s model.Settings, seed uint64) (outcome, error) {
	what := worthOf(w.Schema)
	cells := talliesOf(w)
	truth, floor := truthOf(w)
	in, targets, keys := fullInput(w, cells, what)
	m, err := ours(in, targets, nil, keys, truth, s, seed)
	if errors.Is(err, model.ErrNoSignal) || err == nil && !pays(truth) {
		return outcome{none: true}, nil
	}
	if err != nil {
		return outcome{}, err
	}
	return outcome{
		null: nullShare(cells), cell: m.cell, campaign: m.campaign, network: m.network,
		floor: widthsOf(variancesOf(w), s.Coverage),
		scores: scoresOf(truth, map[string]Estimates{
			Naive: naive(cells, what), Proportional: proportional(cells, what), Fallback: fallback(cells, what),
			Ours: m.estimates, Floor: floor,
		}),
	}, nil
}

func nullShare(cells map[Key]*tally) float64 {
	var null, all float64
	for _, c := range cells {
		null += c.null
		all += c.null + c.known()
	}
	return 100 * null / all
}

func scoresOf(truth Estimates, of map[string]Estimates) map[string]Score {
	out := map[string]Score{}
	for method, e := range of {
		out[method] = judge(truth, e)
	}
	return out
}

// add keeps all means as means of the worlds so far.
func (l *Line) add(o outcome) {
	if o.none {
		l.NoSignal++
		return
	}
	l.Seeds++
	share := 1 / float64(l.Seeds)
	l.Null += share * (o.null - l.Null)
	for method, s := range o.scores {
		mean, signed := l.Scores[method], l.Signed[method]
		mean.Error.toward(s.Error, share)
		mean.Bias.toward(Amounts{math.Abs(s.Bias.Payers), math.Abs(s.Bias.Revenue)}, share)
		signed.toward(s.Bias, share)
		l.Scores[method], l.Signed[method] = mean, signed
	}
	l.Cell.add(o.cell)
	l.Campaign.add(o.campaign)
	l.Network.add(o.network)
	l.Floor.add(o.floor)
	l.Told.toward(o.told, share)
}

func (a *Amounts) toward(b Amounts, share float64) {
	a.Payers += share * (b.Payers - a.Payers)
	a.Revenue += share * (b.Revenue - a.Revenue)
}

// worthOf reads the schema as the model does.
func worthOf(d *schema.Document) worth { return worth{model.ValuesOf(d)} }
