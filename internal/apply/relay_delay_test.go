package apply_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/apply"
)

func TestRelayDelay(t *testing.T) {
	t.Parallel()
	const hour = time.Hour
	for text, want := range map[string]time.Duration{
		"": 0, "0s": 0, "0d": 0, "90s": 90 * time.Second, "6h": 6 * hour, "1h30m": 90 * time.Minute, "3d": 72 * hour,
		"30d": 720 * hour, "720h": 720 * hour,
	} {
		got, err := (&apply.Network{RelayDelay: text}).Delay()
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for text, want := range map[string]string{
		"-1s": "out of range; set 0s to 30d", "-1d": "out of range", "31d": "out of range", "720h1ms": "out of range",
		"999999999999999d": "out of range", "106752d": "out of range", "d": "is no duration; write it as 30m, 6h or 3d",
		"6": "is no duration", "1.5d": "is no duration", "6 h": "is no duration", "a day": "is no duration", "9999999999999999999d": "is no duration",
	} {
		_, err := (&apply.Network{RelayDelay: text}).Delay()
		require.ErrorContains(t, err, want, text)
		b, err := apply.Parse([]byte("networks: [{network_id: a, relay_delay: '" + text + "'}]"))
		require.NoError(t, err)
		require.ErrorContains(t, b.Check(nil), "networks[0].relay_delay: ", text)
	}
}

func TestRelayDelayIsExported(t *testing.T) {
	t.Parallel()
	b, err := apply.Parse([]byte("networks: [{network_id: a, relay_delay: 3d}, {network_id: b}]"))
	require.NoError(t, err)
	require.NoError(t, b.Check(nil))
	files, back := exported(t, b)
	require.Contains(t, files["networks.yaml"], `relay_delay: "3d"`)
	require.Equal(t, b.Networks, back.Networks)
}
