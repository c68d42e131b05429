package forward

import (
	"bytes"
	"encoding/base64"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"skand/internal/clock"
)

// The vectors are those that the public libraries are tested with.
const (
	vectorSecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	vectorID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	vectorBody      = `{"test": 2432232314}`
	vectorSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

var vectorTime = time.Unix(1614265330, 0)

func webhookDestination() Destination {
	return destinationOf(func(d *Destination) { d.Signing = SigningStandardWebhooks })
}

func TestWebhookVector(t *testing.T) {
	t.Parallel()
	s, _ := signing(clock.NewManual(vectorTime), signingSecret(vectorSecret))
	r := Rendered{Body: []byte(vectorBody)}
	_, err := s.Apply(t.Context(), webhookDestination(), vectorID, vectorTime, &r)
	require.NoError(t, err)
	require.Equal(t, http.Header{
		"Webhook-Id": {vectorID}, "Webhook-Timestamp": {"1614265330"}, "Webhook-Signature": {vectorSignature},
	}, r.Header)
	require.JSONEq(t, vectorBody, string(r.Body))
}

// A key has 24 to 64 bytes, as the specification says.
func TestWebhookKeys(t *testing.T) {
	t.Parallel()
	of := func(n int) string { return webhookPrefix + base64.StdEncoding.EncodeToString(make([]byte, n)) }
	for _, good := range []string{of(24), of(32), of(64), vectorSecret, NewWebhookSecret()} {
		key, err := webhookKey(good)
		require.NoError(t, err)
		theirs, err := standardwebhooks.NewWebhook(good)
		require.NoError(t, err)
		want, err := theirs.Sign("id", vectorTime, []byte("x"))
		require.NoError(t, err)
		require.Equal(t, want, signWebhook([][]byte{key}, "id", vectorTime, []byte("x")))
	}
	for _, bad := range []string{
		"", "whsec_", of(23), of(65), of(32)[1:], "WHSEC_" + of(32)[6:], strings.TrimRight(of(32), "="), of(32) + "\n", of(32)[:20] + "\n" + of(32)[20:], "whsk_" + of(32)[6:],
	} {
		_, err := webhookKey(bad)
		require.Error(t, err, "%q", bad)
		require.ErrorContains(t, err, "skand secret new")
	}
	require.NotEqual(t, NewWebhookSecret(), NewWebhookSecret())
}

// Any secret and any body verify with the public library, with every secret in force
// and with no other.
func TestWebhookVerifiesWithThePublicLibrary(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 6))
	blob := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		return b
	}
	real := clock.Real{}
	for range 300 {
		var ring []Secret
		for range 1 + random.IntN(3) {
			ring = append(ring, signingSecret(webhookPrefix+base64.StdEncoding.EncodeToString(blob(24+random.IntN(41)))))
		}
		s, _ := signing(real, ring...)
		r := Rendered{Body: blob(random.IntN(3000))}
		_, err := s.Apply(t.Context(), webhookDestination(), "8a6e0804-2bd0-4672-b79d-d97027f9071a", real.Now(), &r)
		require.NoError(t, err)
		require.Len(t, strings.Fields(r.Header.Get("webhook-signature")), len(ring), "one for each secret")
		for _, secret := range ring {
			theirs, err := standardwebhooks.NewWebhook(secret.Value)
			require.NoError(t, err)
			require.NoError(t, theirs.Verify(r.Body, r.Header))
			require.Error(t, theirs.Verify(append(bytes.Clone(r.Body), ' '), r.Header))
		}
		other, err := standardwebhooks.NewWebhook(NewWebhookSecret())
		require.NoError(t, err)
		require.ErrorIs(t, other.Verify(r.Body, r.Header), standardwebhooks.ErrNoMatchingSignature)
	}
}

// During the overlap of a rotation receivers of either secret accept; after it, of the
// new one only.
func TestWebhookRotation(t *testing.T) {
	t.Parallel()
	older, newer := NewWebhookSecret(), NewWebhookSecret()
	end := signedAt.Add(DefaultOverlap)
	s, _ := signing(clock.NewManual(signedAt), signingSecret(newer), Secret{Purpose: PurposeSigning, Value: older, ExpiresAt: end},
		Secret{Purpose: PurposeSigning, Value: "a-bearer-of-earlier", ExpiresAt: end})
	accepts := func(secret string, at time.Time) error {
		r := Rendered{Body: []byte("{}")}
		_, err := s.Apply(t.Context(), webhookDestination(), "id", at, &r)
		require.NoError(t, err)
		theirs, err := standardwebhooks.NewWebhook(secret)
		require.NoError(t, err)
		return theirs.VerifyIgnoringTimestamp(r.Body, r.Header)
	}
	require.NoError(t, accepts(newer, end.Add(-time.Millisecond)))
	require.NoError(t, accepts(older, end.Add(-time.Millisecond)))
	require.NoError(t, accepts(newer, end))
	require.Error(t, accepts(older, end))
}

func TestWebhookRefusesADottedID(t *testing.T) {
	t.Parallel()
	s, _ := signing(clock.NewManual(signedAt), signingSecret(vectorSecret))
	r := Rendered{Body: []byte("{}")}
	_, err := s.Apply(t.Context(), webhookDestination(), "a.1", signedAt, &r)
	require.ErrorIs(t, err, errDotted)
}

// receive is the receiver of docs/signing.md.
func receive(secret string, take func(id string, body []byte)) http.HandlerFunc {
	webhook, err := standardwebhooks.NewWebhook(secret)
	return func(w http.ResponseWriter, r *http.Request) {
		body, readErr := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		if err != nil || readErr != nil {
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
		if webhook.Verify(body, r.Header) != nil { // the body as it came, before any parsing
			http.Error(w, "not signed", http.StatusUnauthorized)
			return
		}
		take(r.Header.Get("webhook-id"), body) // may be the second time: keep the ids
	}
}

func TestWebhookReceiver(t *testing.T) {
	t.Parallel()
	var took []string
	server := httptest.NewServer(receive(vectorSecret, func(id string, body []byte) { took = append(took, id+" "+string(body)) }))
	t.Cleanup(server.Close)
	send := func(now clock.Clock, alter func(*Rendered)) int {
		s, _ := signing(now, signingSecret(vectorSecret))
		r := Rendered{Method: MethodPost, URL: server.URL, Body: []byte(vectorBody)}
		_, err := s.Apply(t.Context(), webhookDestination(), vectorID, signedAt, &r)
		require.NoError(t, err)
		alter(&r)
		req, err := r.request(t.Context())
		require.NoError(t, err)
		resp, err := server.Client().Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return resp.StatusCode
	}
	real := clock.Real{}
	same := func(*Rendered) {}
	require.Equal(t, 200, send(real, same))
	require.Equal(t, []string{vectorID + " " + vectorBody}, took)
	require.Equal(t, 401, send(real, func(r *Rendered) { r.Body = []byte(`{"test": 2432232315}`) }))
	require.Equal(t, 401, send(real, func(r *Rendered) { r.Header.Set("webhook-id", "msg_other") }))
	require.Equal(t, 401, send(real, func(r *Rendered) { r.Header.Del("webhook-signature") }))
	require.Equal(t, 401, send(clock.NewManual(real.Now().Add(-6*time.Minute)), same), "an old one is refused")
	require.Equal(t, 401, send(clock.NewManual(real.Now().Add(6*time.Minute)), same), "and one of the future")
	require.Len(t, took, 1)
}

// The page shows the code that is tested here.
func TestSigningPageShowsTheReceiver(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/signing.md")
	require.NoError(t, err)
	own, err := os.ReadFile("sign_webhook_test.go")
	require.NoError(t, err)
	_, code, found := strings.Cut(string(own), "\nfunc receive(")
	require.True(t, found)
	code, _, found = strings.Cut(code, "\n}\n")
	require.True(t, found)
	require.Contains(t, string(page), "func receive("+code+"\n}\n")
}
