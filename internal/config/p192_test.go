package config_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"skand/internal/config"
)

func TestOnAndOff(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{`on`: true, `off`: false, `"off"`: false, `true`: true, `false`: false} {
		c, err := config.Load(flags(t, "--config", write(t, "skadnetwork_p192: "+text+"\n")), nil)
		require.NoError(t, err, text)
		require.Equal(t, want, c.P192, text)
	}
	c, err := config.Load(nil, []string{"SKAND_SKADNETWORK_P192=off", "SKAND_LIMITS_P192=3"})
	require.NoError(t, err)
	require.False(t, c.P192)
	require.Equal(t, 3, c.Limits.P192)
	_, err = config.Load(nil, []string{"SKAND_SKADNETWORK_P192=never"})
	require.ErrorContains(t, err, "skadnetwork_p192: want on or off, got never")
}
