package conversion_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/conversion"
)

// What is handed out with a mapping is the bound that Bind counts from.
func TestAdoptedByIsWhatBindCountsFrom(t *testing.T) {
	t.Parallel()
	versions := []conversion.SchemaVersion{version(1, -9000), version(2, 0)}
	p := &conversion.Pending{Version: "3.0", Framework: "skadnetwork"}
	settled := conversion.AdoptedBy(versions[1].EffectiveFrom).Add(48 * time.Hour) // the grace of SKAdNetwork 3
	p.ReceivedAt = settled.Add(-time.Millisecond)
	_, flags := conversion.Bind(versions, p)
	require.Equal(t, []string{conversion.FlagAmbiguous}, flags)
	p.ReceivedAt = settled
	_, flags = conversion.Bind(versions, p)
	require.Equal(t, []string{conversion.FlagRetryPossible}, flags)
}
