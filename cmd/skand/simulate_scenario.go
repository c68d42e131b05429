package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"skand/fixtures/traffic"
	"skand/fixtures/worlds"
	"skand/internal/apply"
)

const scenarioHelp = `
--scenario sends a world of 'skand scoreboard' instead (list prints their names): one
postback of window 0 for each install, with payers, crowds, nulls and consent as the
scenario draws them from the seed, and nothing else. --n is spread over the weeks of
--from (a Monday) to --to. --config writes what 'skand apply -f' needs: the app with
the world's schema, and the networks with their campaigns. --s2s writes the consented
side of the same people for 'skand import --s2s'. --truth has a line for each campaign
and week then: installs (null, coarse and fine), payers and revenue of all of them, also
of those withheld, and what fine values told of it.
`

// scenarioConfig are flags that mean something with --scenario only.
var scenarioConfig = []string{"config", "s2s"}

// addScenarioFlags adds them.
func (f *simulateFlags) addScenarioFlags(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.scenario, "scenario", "", "send a world of this scenario; 'list' prints them")
	fl.StringVar(&f.config, "config", "", "with --scenario: file for 'skand apply -f', app and networks")
	fl.StringVar(&f.s2s, "s2s", "", "with --scenario: file for the consented side, NDJSON")
}

// scenarioTraffic draws the world; errors name the flag.
func (f *simulateFlags) scenarioTraffic(cmd *cobra.Command) (s traffic.Scenario, err error) {
	for _, name := range []string{"networks", "versions"} {
		if cmd.Flags().Changed(name) {
			return s, fmt.Errorf("--%s: a scenario draws its own; leave it out", name)
		}
	}
	if (f.url == "") == (f.out == "") {
		return s, errors.New("--url, -o: give one of them, to say where the traffic goes")
	}
	kind, ok := worlds.Find(f.scenario)
	if !ok {
		return s, unknownScenario(f.scenario)
	}
	s = traffic.Scenario{Seed: f.seed, AppID: f.app}
	if s.From, err = parseDay(f.from); err != nil {
		return s, fmt.Errorf("--from: %w", err)
	}
	to := s.From.AddDate(0, 0, 14)
	if f.to != "" {
		if to, err = parseDay(f.to); err != nil {
			return s, fmt.Errorf("--to: %w", err)
		}
	}
	const week = 7 * 24 * time.Hour
	weeks := int(to.Sub(s.From) / week)
	if weeks < 1 || weeks > mostWeeks || to.Sub(s.From)%week != 0 {
		return s, fmt.Errorf("--to: %s is not 1 to %d whole weeks after --from", to.Format(time.DateOnly), mostWeeks)
	}
	if f.n < weeks {
		return s, fmt.Errorf("--n: %d installs in %d weeks; give at least one a week", f.n, weeks)
	}
	if s.World, err = worlds.New(kind, f.seed, f.n/weeks, weeks); err != nil {
		return s, err
	}
	if err = s.Validate(); err != nil {
		return s, fmt.Errorf("--%w", err) // the fields have the flags' names
	}
	s.Apple, err = f.keys()
	return s, err
}

func (f *simulateFlags) runScenario(cmd *cobra.Command) error {
	if f.scenario == "list" {
		return listScenarios(cmd)
	}
	s, err := f.scenarioTraffic(cmd)
	if err != nil {
		return usagef("simulate: %w", err)
	}
	f.sayKeys(cmd)
	if err := f.writeScenarioFiles(s); err != nil {
		return err
	}
	to, err := f.sink(cmd)
	if err != nil {
		return usagef("simulate: %w", err)
	}
	end := s.From.AddDate(0, 0, 7*len(s.World.Weeks))
	bar := newSimulateBar(cmd.ErrOrStderr(), s.From, end)
	truth, err := s.Each(func(one traffic.Sent) error {
		bar.at(one.At)
		if err := cmd.Context().Err(); err != nil {
			return err
		}
		return to.send(one)
	})
	bar.finish()
	return f.report(cmd, to, truth, errors.Join(err, to.finish()))
}

// writeScenarioFiles writes what stands beside the traffic.
func (f *simulateFlags) writeScenarioFiles(s traffic.Scenario) error {
	for _, file := range []struct {
		flag, path string
		write      func(io.Writer) error
	}{
		{"truth", f.truthFile, func(w io.Writer) error { return writeEach(w, s.Truth(), traffic.WriteCampaignWeek) }},
		{"config", f.config, func(w io.Writer) error { return writeScenarioConfig(w, s) }},
		{"s2s", f.s2s, func(w io.Writer) error {
			lines, err := s.Lines()
			if err != nil {
				return err
			}
			return writeEach(w, lines, traffic.WriteLine)
		}},
	} {
		if file.path == "" {
			continue
		}
		out, err := createOut(file.path, io.Discard)
		if err != nil {
			return usagef("simulate: --%s: %w", file.flag, err)
		}
		err = errors.Join(file.write(out), out.Close())
		if err != nil {
			return fmt.Errorf("simulate: --%s: %w", file.flag, firstLine(err))
		}
	}
	return nil
}

func writeEach[T any](w io.Writer, all []T, write func(io.Writer, T) error) error {
	for _, one := range all {
		if err := write(w, one); err != nil {
			return err
		}
	}
	return nil
}

// writeScenarioConfig is the app with the world's schema, and its networks: they call
// the campaigns what the consented side calls them.
func writeScenarioConfig(w io.Writer, s traffic.Scenario) error {
	d := s.Document()
	raw, err := d.Canonical()
	if err != nil {
		return fmt.Errorf("encode schema: %w", err)
	}
	b := apply.Bundle{Apps: []apply.App{{
		AppID: s.AppID, Name: "World " + s.World.Scenario.Name + " " + strconv.FormatUint(s.Seed, 10), Currency: d.Currency, Schema: raw,
	}}}
	for _, c := range s.Campaigns() {
		if n := len(b.Networks); n == 0 || b.Networks[n-1].NetworkID != c.Network {
			b.Networks = append(b.Networks, apply.Network{NetworkID: c.Network, ShortForm: "last"})
		}
		n := &b.Networks[len(b.Networks)-1]
		n.Campaigns = append(n.Campaigns, apply.Campaign{
			Source: c.Source, CampaignID: traffic.CampaignID(c.Source), CampaignName: "Campaign " + c.Source,
		})
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(b)
}
