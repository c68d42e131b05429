package endpoint

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var at = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

func TestParse(t *testing.T) {
	t.Parallel()
	for address, ok := range map[string]bool{
		"https://example.com": true, "https://example.com:8443": true, "https://example.com/": true,
		"": false, "example.com": false, "http://example.com": false, "https://example.com/path": false, "https://example.com?x=1": false, "https://a:b@example.com": false,
	} {
		require.Equal(t, ok, Parse(address) == nil, address)
	}
}

func TestCertificatesEndIsSpokenOf(t *testing.T) {
	t.Parallel()
	for days, want := range map[int]string{20: OK, 13: Warn} {
		found := certificate("https://a.example", &tls.ConnectionState{PeerCertificates: []*x509.Certificate{
			{DNSNames: []string{"a.example"}, NotAfter: at.AddDate(0, 0, days)},
		}}, at)
		require.Equal(t, want, found[0].Level)
	}
	require.Empty(t, certificate("https://a.example", nil, at))
}

// TestPrivateAddressesAreNotTried: whoever asks must not look into this network.
func TestPrivateAddressesAreNotTried(t *testing.T) {
	t.Parallel()
	asked := 0
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer s.Close()
	found := Check(t.Context(), s.URL, nil, at)
	require.Len(t, found, 1)
	require.Equal(t, Fail, found[0].Level)
	require.Contains(t, found[0].Todo, "public addresses only")
	found = Check(t.Context(), s.URL, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, at)
	require.Contains(t, found[0].Todo, "public authority", "allowed, dialed, and its certificate is nobody's")
	require.Zero(t, asked)
}
