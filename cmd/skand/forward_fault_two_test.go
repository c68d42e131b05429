package main

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/config"
	"skand/internal/pgtest"
)

// TestForwardSurvivesKillOfOneOfTwo lets two processes deliver from one store and
// kills one of them. Nobody moves a clock or starts anything: what the killed one held
// is delivered by the other when its lease is over.
func TestForwardSurvivesKillOfOneOfTwo(t *testing.T) {
	withoutRace(t)
	t.Parallel()
	cfg := config.Defaults()
	cfg.DB, cfg.Published = pgtest.URL(t), pgtest.URL(t)
	installs := faultInstalls() / 4
	to := faultyReceivers(t)
	s := newSender(t, cfg, "--roles", "receive,admin")
	s.destine(func(d map[string]any) {
		d["schedule"], d["timeout"] = "1s,1s,1s,1s,1s,2s,2s,4s", "1s" // the lease is 32 s
	}, to...)
	forwarding := slices.Clone(s.args)
	forwarding[slices.Index(forwarding, "receive,admin")] = "forward"
	victim, other := serveProgram(t, forwarding...), serveProgram(t, forwarding...)
	s.report(installs)
	awaitTaken(t, to, installs*faultReceivers/3)
	victim.kill(t)

	require.Eventually(t, func() bool { return s.states()["pending"] == 0 }, 3*time.Minute, 100*time.Millisecond)
	for _, r := range to {
		require.LessOrEqual(t, r.rest(t), 2*senderInFlight, "each process has in_flight of its own")
	}
	s.tellFault(to, faultReceivers*senderInFlight)
	require.NotContains(t, other.log.String(), "level=ERROR")
}
