package forward

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEndpoints: every place once, and nothing of a path or query, where secrets stand.
func TestEndpoints(t *testing.T) {
	t.Parallel()
	d := Destination{
		URL: "HTTPS://a.example:8443/x/{click_id}?k=s3cr3t",
		Consent: &Consent{
			Authorized: &ConsentTemplate{URL: "https://a.example:8443?e={event_name}"},
			Denied:     &ConsentTemplate{URL: "https://anonymous.example/{event_name}"}, Limited: &ConsentTemplate{Block: true},
		},
		OAuth: &OAuth{TokenURL: "https://tokens.example/token"},
	}
	require.Equal(t, []Endpoint{
		{"url", "https://a.example:8443"}, {"consent.denied.url", "https://anonymous.example"}, {"oauth.token_url", "https://tokens.example"},
	}, d.Endpoints())
	require.Equal(t, []Endpoint{{"url", "http://127.0.0.1"}}, Destination{URL: "http://127.0.0.1"}.Endpoints())
	require.Equal(t, []Endpoint{{"url", "https://b.example"}}, Destination{URL: "https://b.example?x", Consent: &Consent{Denied: &ConsentTemplate{}}}.Endpoints())
}
