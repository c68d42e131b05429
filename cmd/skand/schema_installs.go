package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"skand/schema"
)

// installsHelp describes the lines of --installs.
const installsHelp = `--installs takes NDJSON with one install a line, its truth known: {"events":[{"name",
"time","revenue"}]}, or {"revenue":"4.99"} where only the sum of the first two days is
known. An event first_launch lays the windows. The file of 'skand simulate --truth' is
taken too: of it the winning installs of window 0, signed for production.`

// installLine is one line of the deterministic side. The members after revenue are
// those of the simulator's truth.
type installLine struct {
	Events *[]struct {
		Name    string          `json:"name"`
		Time    string          `json:"time"`
		Revenue json.RawMessage `json:"revenue"`
	} `json:"events"`
	Revenue json.RawMessage `json:"revenue"`

	Identity *struct {
		AppID     int64  `json:"app_id"`
		Framework string `json:"framework"`
		NetworkID string `json:"network_id"`
		ID        string `json:"id"`
		Index     int    `json:"index"`
	} `json:"identity"`
	Tier        int             `json:"tier"`
	TrueValue   json.RawMessage `json:"true_value"`
	Payer       bool            `json:"payer"`
	InstalledAt string          `json:"installed_at"`
	Lock        json.RawMessage `json:"lock"`
	DidWin      *bool           `json:"did_win"`
	Conversion  string          `json:"conversion_type"`
	Environment string          `json:"environment"`
	Test        bool            `json:"test"`
	Source      string          `json:"source"`
}

// loadInstalls reads the file; what it left out is said on standard error.
func loadInstalls(cmd *cobra.Command, name string) ([]schema.Install, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, usagef("--installs: %w", err)
	}
	defer func() { _ = f.Close() }() // only read from
	installs, left, err := readInstalls(f)
	if err != nil {
		return nil, usagef("--installs %s: %w", name, err)
	}
	if left > 0 {
		cmd.PrintErrf("--installs %s: %d installs; %d lines left out (later windows, re-engagements, losers, tests, development)\n",
			name, len(installs), left)
	}
	return installs, nil
}

func readInstalls(in io.Reader) (installs []schema.Install, left int, err error) {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxSchemaLine)
	n := 0
	for lines.Scan() {
		n++
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		var l installLine
		err = strictSchemaLine(line, &l)
		if err != nil {
			return nil, 0, fmt.Errorf("line %d: %w", n, err)
		}
		if !l.counts() {
			left++
			continue
		}
		i, err := l.install()
		if err != nil {
			return nil, 0, fmt.Errorf("line %d: %w", n, err)
		}
		installs = append(installs, i)
	}
	err = lines.Err()
	if errors.Is(err, bufio.ErrTooLong) {
		return nil, 0, fmt.Errorf("line %d: is longer than %d bytes; split it", n+1, maxSchemaLine)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read line %d: %w", n+1, err)
	}
	if len(installs) == 0 {
		return nil, 0, errors.New("holds no install; write one a line")
	}
	return installs, left, nil
}

// counts leaves out what a truth file holds beside installs: see its Counts.
func (l installLine) counts() bool {
	return (l.Identity == nil || l.Identity.Index == 0) && (l.DidWin == nil || *l.DidWin) && !l.Test &&
		(l.Environment == "" || l.Environment == "production") && l.Conversion != "re-engagement"
}

func (l installLine) install() (schema.Install, error) {
	var out schema.Install
	given := len(l.Revenue) > 0 && string(l.Revenue) != "null"
	switch {
	case l.Events != nil && given:
		return out, errors.New("revenue: stands beside events; give one of them")
	case l.Events == nil && !given:
		return out, errors.New("events: is missing; give the events, or revenue where only the sum is known")
	case given:
		r, err := lineAmount(l.Revenue)
		if err != nil {
			return out, fmt.Errorf("revenue: %w", err)
		}
		out.Revenue = &r
		return out, nil
	}
	out.Events = make([]schema.Event, len(*l.Events))
	for i, e := range *l.Events {
		event := &out.Events[i]
		event.Name = e.Name
		if e.Name == "" {
			return out, fmt.Errorf("events[%d].name: is empty; name the event", i)
		}
		var err error
		if e.Time != "" {
			event.Time, err = time.Parse(time.RFC3339, e.Time)
			if err != nil {
				return out, fmt.Errorf("events[%d].time: %.40q is not a time; write RFC 3339 such as 2026-11-16T10:00:00Z", i, e.Time)
			}
		}
		event.Revenue, err = lineAmount(e.Revenue)
		if err != nil {
			return out, fmt.Errorf("events[%d].revenue: %w", i, err)
		}
	}
	return out, nil
}
