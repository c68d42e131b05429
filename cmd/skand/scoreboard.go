package main

import (
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"skand/aggregate"
	"skand/aggregate/model"
	"skand/fixtures/worlds"
	"skand/internal/scoreboard"
)

// scoreboardFlags are the words of `skand scoreboard` as they were typed.
type scoreboardFlags struct {
	scenarios []string
	installs  []int
	seeds     int
	weeks     int
	window    string
	published bool
	asJSON    bool
}

// A board is worlds to be drawn and fitted: these bound how long it can take.
const (
	mostSeeds    = 100
	mostWeeks    = 52
	leastInstall = 100
	mostInstalls = 200_000
)

func newScoreboardCmd() *cobra.Command {
	var f scoreboardFlags
	cmd := &cobra.Command{
		Use:   "scoreboard",
		Short: "Judge the model against worlds whose truth is known",
		Long: `Draw apps whose truth is known, let every method estimate what Apple withheld, and
say how far each is off: dropping nulls, proportional scaling per campaign and week,
the same with a fall-back to larger crowds, the model, and the floor, which is what
could be said by who knows the world's true parameters. At the end every bar that the
model is held to, met or not met, and by how much.

--published judges the published rows of the same worlds as well (k 20, b 5): the
price of privacy. --window says whether they are published by week or by day.

The same flags give the same tables. Ctrl-C ends it.`,
		Example: `  skand scoreboard --scenario worse,random --installs 14000 --seeds 2
  skand scoreboard --published --installs 500,5000 --window day --json
  skand scoreboard --scenario list`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	fl := cmd.Flags()
	fl.StringSliceVar(&f.scenarios, "scenario", nil, "of the list that 'list' prints (default all)")
	fl.IntSliceVar(&f.installs, "installs", []int{500, 5_000, 14_000, 50_000}, "installs a week")
	fl.IntVar(&f.seeds, "seeds", 6, "worlds of each scenario and size")
	fl.IntVar(&f.weeks, "weeks", 8, "weeks of each world")
	fl.BoolVar(&f.published, "published", false, "judge published rows as well")
	fl.StringVar(&f.window, "window", string(aggregate.Week), "of what is published: week or day")
	fl.BoolVar(&f.asJSON, "json", false, "print JSON")
	return cmd
}

// options checks the flags; errors name the flag.
func (f *scoreboardFlags) options(cmd *cobra.Command) (o scoreboard.Options, cut aggregate.Settings, err error) {
	o = scoreboard.Options{Weeks: f.weeks, Settings: model.Defaults(), Workers: runtime.GOMAXPROCS(0)}
	cut = aggregate.DefaultSettings()
	if o.Scenarios, err = scenariosNamed(f.scenarios); err != nil {
		return o, cut, err
	}
	if f.seeds < 1 || f.seeds > mostSeeds {
		return o, cut, usagef("scoreboard: --seeds: %d is not 1 to %d", f.seeds, mostSeeds)
	}
	for seed := range f.seeds {
		o.Seeds = append(o.Seeds, uint64(seed)+1)
	}
	if f.weeks < 1 || f.weeks > mostWeeks {
		return o, cut, usagef("scoreboard: --weeks: %d is not 1 to %d", f.weeks, mostWeeks)
	}
	for _, n := range f.installs {
		if n < leastInstall || n > mostInstalls {
			return o, cut, usagef("scoreboard: --installs: %d is not %d to %d", n, leastInstall, mostInstalls)
		}
	}
	if cmd.Flags().Changed("window") && !f.published {
		return o, cut, usagef("scoreboard: --window: is of what is published; add --published")
	}
	cut.Window = aggregate.WindowKind(f.window)
	if cut.Window != aggregate.Week && cut.Window != aggregate.Day {
		return o, cut, usagef("scoreboard: --window: %q is neither week nor day", f.window)
	}
	return o, cut, nil
}

// scenariosNamed finds worlds by name; none named is all.
func scenariosNamed(names []string) ([]worlds.Scenario, error) {
	if len(names) == 0 {
		return worlds.Scenarios(), nil
	}
	var out []worlds.Scenario
	for i, name := range names {
		s, ok := worlds.Find(name)
		if !ok {
			return nil, usagef("scoreboard: %w", unknownScenario(name))
		}
		if !slices.Contains(names[:i], name) {
			out = append(out, s)
		}
	}
	return out, nil
}

func unknownScenario(name string) error {
	var names []string
	for _, s := range worlds.Scenarios() {
		names = append(names, s.Name)
	}
	return fmt.Errorf("--scenario: %q is none of %s", name, strings.Join(names, ", "))
}

// listScenarios is `--scenario list`.
func listScenarios(cmd *cobra.Command) error {
	var b strings.Builder
	for _, s := range worlds.Scenarios() {
		fmt.Fprintf(&b, "%s\t%s\n", s.Name, s.Says)
	}
	return writeTable(cmd.OutOrStdout(), b.String())
}

func (f *scoreboardFlags) run(cmd *cobra.Command) error {
	if slices.Equal(f.scenarios, []string{"list"}) {
		return listScenarios(cmd)
	}
	o, cut, err := f.options(cmd)
	if err != nil {
		return err
	}
	boards := len(f.installs)
	if f.published {
		boards *= 2
	}
	bar := newScoreboardBar(cmd.ErrOrStderr(), boards*len(o.Scenarios)*len(o.Seeds))
	defer bar.finish()
	var out []scoreboardSize
	for _, n := range f.installs {
		o.Installs = n
		size := scoreboardSize{Installs: n, window: cut.Window}
		if size.Full, err = scoreboard.Run(cmd.Context(), o, bar.step); err != nil {
			return fmt.Errorf("scoreboard: %w", err)
		}
		for i, l := range size.Full {
			size.Bars = append(size.Bars, scoreboard.FullBars(l, o.Scenarios[i], n)...)
		}
		if f.published {
			if size.Published, err = scoreboard.Price(cmd.Context(), o, cut, bar.step); err != nil {
				return fmt.Errorf("scoreboard: %w", err)
			}
			for _, l := range size.Published {
				size.PublishedBars = append(size.PublishedBars, scoreboard.PriceBars(l, n, cut.Window)...)
			}
		}
		out = append(out, size)
	}
	bar.finish()
	if f.asJSON {
		return writeScoreboardJSON(cmd.OutOrStdout(), f, out)
	}
	return writeScoreboard(cmd.OutOrStdout(), f, out)
}
