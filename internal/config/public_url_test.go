package config

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPublicURLIsOneThatApplePostsTo(t *testing.T) {
	t.Parallel()
	for address, ok := range map[string]bool{
		"": true, "https://example.com": true, "https://example.com:8443/": true,
		"http://example.com": false, "https://example.com/skan": false, "example.com": false, "https://": false, "https://u:p@example.com": false,
	} {
		c := Defaults()
		c.PublicURL = address
		err := c.Validate()
		if ok {
			require.NoError(t, err, address)
		} else {
			require.ErrorContains(t, err, "public_url", address)
		}
	}
}
