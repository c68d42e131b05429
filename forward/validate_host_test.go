package forward

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestHostsRefusedAtSave: what no dial would reach is told when the destination is
// saved, whatever it is written as.
func TestHostsRefusedAtSave(t *testing.T) {
	t.Parallel()
	save := func(host string, allow ...netip.Prefix) error {
		return Destination{
			ID: "d", AppID: 1, Kinds: []string{KindInstall}, Scope: ScopeAll, Enabled: true, URL: "https://" + host + "/pb?c={click_id}",
		}.WithDefaults().Validate(allow)
	}
	for _, host := range []string{"receiver.example", "receiver.example:8443", "8.8.8.8", "[2606:4700::1111]:8443", "xn--bcher-kva.example"} {
		require.NoError(t, save(host), host)
	}
	for host, says := range map[string]string{
		"10.0.0.1": "private", "127.0.0.1:8443": "loopback", "[::1]:8443": "loopback", "169.254.169.254": "metadata",
		"2130706433": "127.0.0.1", "0177.0.0.1": "127.0.0.1", "0x7f.1": "127.0.0.1", "127.1:8443": "127.0.0.1", "127.0.0.1.": "127.0.0.1",
		"134744072": "write it as 8.8.8.8", "[::ffff:127.0.0.1]": "IPv4-mapped", "localhost": "loopback", "metadata.google.internal": "never public",
	} {
		err := save(host)
		require.ErrorContains(t, err, says, host)
		require.ErrorContains(t, err, `destination "d": url: `, host)
	}
	for _, host := range []string{"127%2e0.0.1", "１２７.0.0.1", "[fe80::1%25eth0]", "[fe80::1%eth0]"} {
		require.Error(t, save(host), host)
	}
	own := netip.MustParsePrefix("10.0.0.0/8")
	require.NoError(t, save("10.0.0.1", own))
	require.NoError(t, save("hooks.internal", own))
	require.Error(t, save("0xa.1", own), "also what is allowed is written plainly")
}
