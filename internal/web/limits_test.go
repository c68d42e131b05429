package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"skand/conversion"
	"skand/internal/clock"
	"skand/internal/config"
	"skand/skan"
)

const (
	oldBody = `{"attribution-signature":"x"}` // SKAdNetwork 1.0 names no version
	newBody = `{"attribution-signature":"x","version":"4.0"}`
)

var forged, proven = skan.Result{Verdict: skan.Invalid}, skan.Result{Verdict: skan.Valid}

type oldBundle struct {
	*OldPostbacks
	clock    *clock.Movable
	registry *prometheus.Registry
}

func setupOld(t *testing.T) *oldBundle {
	t.Helper()
	c := clock.NewManual(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC))
	reg := prometheus.NewRegistry()
	return &oldBundle{NewOldPostbacks(reg, c.Now), c, reg}
}

// count is what the metric says.
func (o *oldBundle) count(t *testing.T, bound string) float64 {
	t.Helper()
	families, err := o.registry.Gather()
	require.NoError(t, err)
	require.Len(t, families, 1)
	require.Equal(t, "skand_p192_refused_total", families[0].GetName())
	for _, m := range families[0].GetMetric() {
		if m.GetLabel()[0].GetValue() == bound {
			return m.GetCounter().GetValue()
		}
	}
	return -1
}

// send lets one body pass with its verdict; false is a 500.
func (o *oldBundle) send(network, body string, res skan.Result) bool {
	leave, ok := o.enter(network, []byte(body))
	if ok {
		leave(res)
	}
	return ok
}

func TestOldPostbacksForgerLosesItsOwnBudgetOnly(t *testing.T) {
	t.Parallel()
	o := setupOld(t)
	const carrier, elsewhere = "203.0.113.0/24", "198.51.100.0/24"
	for range forgedBurst {
		require.True(t, o.send(carrier, oldBody, forged))
	}
	require.False(t, o.send(carrier, oldBody, forged))
	require.False(t, o.send(carrier, oldBody, proven), "unchecked, nobody knows that it is genuine: 500, and Apple repeats")
	require.True(t, o.send(carrier, newBody, forged), "what is newer never waits for its neighbours")
	require.True(t, o.send(elsewhere, oldBody, proven))
	require.EqualValues(t, 2, o.count(t, "budget"))

	o.clock.Advance(3 * time.Second)
	for range 20 {
		require.True(t, o.send(carrier, oldBody, proven), "a genuine one costs nothing")
	}
	for range 3 {
		require.True(t, o.send(carrier, oldBody, forged))
	}
	require.False(t, o.send(carrier, oldBody, forged))
	o.clock.Advance(-time.Hour)
	require.False(t, o.send(carrier, oldBody, forged), "a clock that goes back gives nothing")
}

func TestOldPostbacksThatAreGenuineLeaveNoTrace(t *testing.T) {
	t.Parallel()
	o := setupOld(t)
	for range 10 * forgedBurst {
		require.True(t, o.send("203.0.113.0/24", oldBody, proven))
		require.True(t, o.send("203.0.113.0/24", oldBody, skan.Result{}), "the store failed: not the sender's fault")
	}
	require.Empty(t, o.by)
	require.Zero(t, o.recent.Len())
	require.Zero(t, o.inLine)
}

func TestOldPostbacksAtOnce(t *testing.T) {
	t.Parallel()
	o := setupOld(t)
	var leave []func(skan.Result)
	for i := range maxInLine {
		out, ok := o.enter(fmt.Sprintf("10.0.%d.0/24", i), []byte(oldBody))
		require.True(t, ok)
		leave = append(leave, out)
	}
	require.False(t, o.send("192.0.2.0/24", oldBody, proven))
	require.True(t, o.send("192.0.2.0/24", newBody, proven))
	require.EqualValues(t, 1, o.count(t, "line"))
	leave[0](proven)
	require.True(t, o.send("192.0.2.0/24", oldBody, proven))

	// One network can't find its budget full a thousand times at once.
	one := setupOld(t)
	for i := range 2 * forgedBurst {
		_, ok := one.enter("192.0.2.0/24", []byte(oldBody))
		require.Equal(t, i < forgedBurst, ok)
	}
}

func TestOldPostbacksRememberBoundedly(t *testing.T) {
	t.Parallel()
	o := setupOld(t)
	name := func(i int) string { return fmt.Sprintf("2001:db8:%x::/48", i) }
	for i := range maxNetworks + 100 {
		require.True(t, o.send(name(i), oldBody, forged))
	}
	require.Len(t, o.by, maxNetworks)
	require.Equal(t, maxNetworks, o.recent.Len())
	require.NotContains(t, o.by, name(0), "the one that failed longest ago goes first")
	require.Contains(t, o.by, name(maxNetworks+99))
}

func TestOldPostbacksSwitchedOff(t *testing.T) {
	t.Parallel()
	var off *OldPostbacks
	leave, ok := off.enter("192.0.2.0/24", []byte(oldBody))
	require.True(t, ok)
	leave(forged)
}

// forging is a receiver for whom nothing verifies.
type forging struct{}

func (forging) Receive(context.Context, conversion.Arrival) (conversion.Outcome, skan.Result, error) {
	return conversion.Outcome{State: conversion.Quarantined}, forged, nil
}

func (forging) ReceiveAll(context.Context, []conversion.Arrival) ([]conversion.Outcome, []skan.Result, error) {
	return nil, nil, nil
}

// TestOldPostbacksBehindAProxy: the budget is the sender's, not the balancer's; and
// a sender that is no proxy can't spend another's by a header.
func TestOldPostbacksBehindAProxy(t *testing.T) {
	t.Parallel()
	const forger, phone = "203.0.113.7", "198.51.100.7"
	h := (&Public{
		Receiver: forging{}, Metrics: NewMetrics(prometheus.NewRegistry()), Old: setupOld(t).OldPostbacks, Receive: true,
		Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Limits: config.Defaults().Limits, Log: slog.New(slog.DiscardHandler),
	}).Handler()
	send := func(from, forwarded, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, "/postbacks/skadnetwork", strings.NewReader(body))
		r.RemoteAddr = from + ":1234"
		if forwarded != "" {
			r.Header.Set("X-Forwarded-For", forwarded)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	for range forgedBurst {
		require.Equal(t, http.StatusOK, send("10.1.1.1", forger, oldBody).Code)
	}
	w := send("10.1.1.1", "198.51.100.9, "+forger, oldBody)
	require.Equal(t, http.StatusInternalServerError, w.Code, "what the forger wrote itself is not believed")
	require.Contains(t, w.Body.String(), `"busy"`)
	require.Equal(t, http.StatusOK, send("10.1.1.1", phone, oldBody).Code)
	require.Equal(t, http.StatusOK, send("10.1.1.1", forger, newBody).Code)

	for range 2 * forgedBurst {
		send("192.0.2.1", phone, oldBody)
	}
	require.Equal(t, http.StatusInternalServerError, send("192.0.2.1", phone, oldBody).Code)
	require.Equal(t, http.StatusOK, send("10.1.1.1", phone, oldBody).Code)
}
