package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/internal/apply"
)

const (
	deviceA = "A0000000-1111-4222-8333-444444444444"
	deviceB = "b0000000-1111-4222-8333-444444444444"
)

func hour(h int) time.Time { return start.Add(time.Duration(h) * time.Hour) }

// take keeps items one by one, each accepted.
func (c consented) take(items ...any) {
	c.t.Helper()
	for _, item := range items {
		var ok bool
		var err error
		switch v := item.(type) {
		case *conversion.Click:
			ok, err = c.Click(c.t.Context(), v)
		case *conversion.Install:
			ok, err = c.Install(c.t.Context(), v)
		case *conversion.Event:
			ok, err = c.Event(c.t.Context(), v)
		case *conversion.ConsentReport:
			ok, err = c.Consent(c.t.Context(), v)
		default:
			c.t.Fatalf("no item: %T", item)
		}
		require.NoError(c.t, err)
		require.True(c.t, ok, "%+v", item)
	}
}

func clicked(id string, h int, change func(*conversion.Click)) *conversion.Click {
	c := &conversion.Click{ID: id, AppID: testApp, NetworkID: testNetwork, Time: hour(h), CampaignID: "39"}
	if change != nil {
		change(c)
	}
	return c
}

// installed is the install of somebody who said yes, on a device.
func installed(id string, h int, change func(*conversion.Install)) *conversion.Install {
	in := &conversion.Install{ID: id, AppID: testApp, Time: hour(h), ATTStatus: "authorized"}
	if change != nil {
		change(in)
	}
	return in
}

func happened(id, install string, h int) *conversion.Event {
	return &conversion.Event{ID: id, AppID: testApp, InstallID: install, Name: "open", Time: hour(h)}
}

// why is "decision reason method click flags" of an install.
func (c consented) why(id string) string {
	c.t.Helper()
	in, err := c.install(id)
	require.NoError(c.t, err)
	require.NotNil(c.t, in, id)
	d := in.Decision
	return strings.TrimSpace(fmt.Sprintf("%s %s %s %s", d.Name(), d.Reason, d.ClickID, strings.Join(d.Flags, ",")))
}

// outbox is "destination kind state reason identifiers" of every delivery.
func (c consented) outbox() []string {
	c.t.Helper()
	lines := []string{}
	for _, row := range c.dump(`SELECT destination_id, kind, state, reason, fields FROM outbox ORDER BY destination_id, kind, created_at, id`) {
		cells := strings.Split(row, "|")
		fields, err := c.s.openFields(cells[4])
		require.NoError(c.t, err)
		ids := []string{}
		for _, name := range []string{"idfa", "idfv", "ip"} {
			if fields[name] != "" {
				ids = append(ids, name)
			}
		}
		lines = append(lines, strings.TrimSpace(strings.Join(append(cells[:4], strings.Join(ids, ",")), " ")))
	}
	return lines
}

// describe applies the test app and network with what the consented side minds.
func (c consented) describe(app apply.AppConsented, network apply.NetworkConsented) {
	c.t.Helper()
	c.apply(&apply.Bundle{
		Apps:     []apply.App{{AppID: testApp, K: ptr(10), B: ptr(3), Currency: "EUR", AppConsented: app}},
		Networks: []apply.Network{{NetworkID: testNetwork, NetworkConsented: network}},
	})
}

// inClear fails if a text can be read in any table of the main store.
func (c consented) inClear(t *testing.T, texts ...string) {
	t.Helper()
	for _, table := range []string{"click", "install", "event", "consent_change", "outbox", "delivery_attempt", "erasure", "audit_log"} {
		for _, row := range c.dump(`SELECT * FROM ` + table) {
			for _, text := range texts {
				require.NotContains(t, strings.ToLower(row), strings.ToLower(text), table)
			}
		}
	}
}
