package store

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/aggregate"
)

func (m *mortal) Base(ctx context.Context, id string) (r aggregate.Release, err error) {
	err = m.call(false, func() error { r, err = m.Store.Base(ctx, id); return err })
	return r, err
}

func (m *mortal) Decodes(ctx context.Context, base aggregate.Release, version int) (d aggregate.Decodes, err error) {
	err = m.call(false, func() error { d, err = m.Store.Decodes(ctx, base, version); return err })
	return d, err
}

func (m *mortal) PrepareRedecode(ctx context.Context, r aggregate.Release) error {
	return m.call(true, func() error { return m.Store.PrepareRedecode(ctx, r) })
}

// redecodeDying asks for a redecode of the first week on emptied ledger lines, with a
// death at call dies; then the sealer runs as it always does, and the operator asks
// again. It gives what stands in the end.
func (in inbox) redecodeDying(dies int, after bool) (effects []bool, stands []string) {
	in.t.Helper()
	in.sql(`DELETE FROM release_ledger WHERE release_kind = 'redecode'`)
	for _, table := range []string{"cohort_value", "cohort_event", "cohort_remainder", "cohort", "release"} {
		_, err := in.s.pub.w.ExecContext(in.t.Context(), `DELETE FROM `+in.s.pub.table(table)+` WHERE release_id LIKE '%.redecode.%'`)
		require.NoError(in.t, err)
	}
	m := &mortal{Store: in.s, dies: dies, after: after}
	d := in.redecoder()
	d.Store, d.Published = m, m
	_, err := d.Redecode(in.t.Context(), weekID(0), 2)
	if dies > 0 {
		require.ErrorIs(in.t, err, errCrash)
	} else {
		require.NoError(in.t, err)
	}
	report := in.seal()
	require.Zero(in.t, report.Installs, "its base was counted")
	_, err = in.redecoder().Redecode(in.t.Context(), weekID(0), 2)
	var inTheWay *aggregate.InTheWayError
	require.True(in.t, err == nil || errors.As(err, &inTheWay), "%v", err)
	for _, table := range append([]string{"release", "cohort"}, measureTables...) {
		stands = append(stands, dump(in.t, in.s.pub, `SELECT * FROM `+in.s.pub.table(table)+` ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9`)...)
	}
	return m.effects, append(stands, in.dump(`SELECT release_id, state, installs, payload, release FROM release_ledger ORDER BY release_id`)...)
}

// TestRedecodeSurvivesEveryCrash kills it at each of its calls, before and after the
// effect. From the moment at which it is in the ledger the next seal publishes it, in
// the same bytes as a life without a crash.
func TestRedecodeSurvivesEveryCrash(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.campaigns(1, 1)
		in.dearer("2", "3", "4", "5")
		effects, quiet := in.redecodeDying(0, false)
		require.Equal(t, []bool{false, false, true, true, true}, effects, "base, decodes, prepare, publish, mark")
		for call, effect := range effects {
			for _, after := range []bool{false, true} {
				if after && !effect {
					continue
				}
				_, stands := in.redecodeDying(call+1, after)
				require.Equal(t, quiet, stands, "death at call %d, after its effect: %t", call+1, after)
			}
		}
	})
}
