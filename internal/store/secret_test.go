package store

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/forward"
	"skand/internal/clock"
	"skand/internal/safehttp"
	"skand/internal/vault"
)

// signedDestination is one that signs, named d.
func signedDestination(t *testing.T, s *Store, change func(*forward.Destination)) forward.Destination {
	t.Helper()
	d := destination("d", "https://ads.example/x")
	d.Method, d.Signing, d.SecretEnv = forward.MethodPost, forward.SigningStandardWebhooks, "EXAMPLE"
	if change != nil {
		change(&d)
	}
	d = d.WithDefaults()
	_, err := s.SaveDestination(t.Context(), d, s.clock.Now())
	require.NoError(t, err)
	return d
}

func setSecret(t *testing.T, s *Store, value string, overlap time.Duration) SecretInfo {
	t.Helper()
	info, err := s.SetSecret(t.Context(), "d", NewSecret{Purpose: forward.PurposeSigning, Value: value, Overlap: overlap})
	require.NoError(t, err)
	return info
}

// values are the secrets in force, the newest first.
func values(t *testing.T, s *Store) (out []string) {
	t.Helper()
	list, err := s.Secrets(t.Context(), "d")
	require.NoError(t, err)
	for _, one := range list {
		out = append(out, one.Value)
	}
	return out
}

// storedSealed are the sealed columns, for what is gone and what is not.
func storedSealed(t *testing.T, s *Store) (all []string) {
	t.Helper()
	require.NoError(t, s.main.r.SelectContext(t.Context(), &all, `SELECT sealed FROM destination_secret`))
	return all
}

func TestSecretRotation(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Store, now *clock.Movable) {
		signedDestination(t, s, nil)
		require.Empty(t, values(t, s))
		a, b, c := forward.NewWebhookSecret(), forward.NewWebhookSecret(), forward.NewWebhookSecret()
		first := setSecret(t, s, a, time.Hour)
		require.Nil(t, first.ExpiresAt)
		require.Len(t, first.Fingerprint, fingerprintShown)
		now.Advance(time.Minute)
		setSecret(t, s, b, time.Hour)
		now.Advance(time.Minute)
		setSecret(t, s, c, 2*time.Hour)
		require.Equal(t, []string{c, b, a}, values(t, s))
		infos, err := s.SecretInfos(t.Context(), "d")
		require.NoError(t, err)
		require.Len(t, infos, 3)
		require.Nil(t, infos[0].ExpiresAt)
		require.Equal(t, start.Add(2*time.Minute+2*time.Hour), *infos[1].ExpiresAt)
		require.Equal(t, start.Add(time.Minute+time.Hour), *infos[2].ExpiresAt, "no later than it was said once")
		require.Equal(t, first.Fingerprint, infos[2].Fingerprint)

		now.Set(start.Add(time.Minute + time.Hour))
		require.Equal(t, []string{c, b}, values(t, s))
		_, err = s.Retain(t.Context())
		require.NoError(t, err)
		require.Len(t, storedSealed(t, s), 3)
		require.Contains(t, storedSealed(t, s), "", "the value is gone")

		n, err := s.EndOldSecrets(t.Context(), "d")
		require.NoError(t, err)
		require.EqualValues(t, 1, n)
		require.Equal(t, []string{c}, values(t, s))
		setSecret(t, s, a, 0)
		require.Equal(t, []string{a}, values(t, s), "who sets an old one means it; without overlap it is alone")
		for _, sealed := range storedSealed(t, s) {
			require.NotContains(t, sealed, a)
		}
	})
}

func TestSecretsAreFewAndFit(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Store, _ *clock.Movable) {
		signedDestination(t, s, nil)
		for range maxSecrets {
			setSecret(t, s, forward.NewWebhookSecret(), time.Hour)
		}
		before := storedSealed(t, s)
		_, err := s.SetSecret(t.Context(), "d", NewSecret{forward.PurposeSigning, forward.NewWebhookSecret(), time.Hour, ""})
		require.ErrorIs(t, err, ErrManySecrets)
		_, err = s.SetSecret(t.Context(), "d", NewSecret{forward.PurposeSigning, "s3cr3t-value", time.Hour, ""})
		require.ErrorIs(t, err, ErrSecretUnfit)
		require.NotContains(t, err.Error(), "s3cr3t")
		_, err = s.SetSecret(t.Context(), "d", NewSecret{"other", forward.NewWebhookSecret(), time.Hour, ""})
		require.ErrorIs(t, err, ErrSecretUnfit)
		require.Equal(t, before, storedSealed(t, s))
		setSecret(t, s, forward.NewWebhookSecret(), 0)

		for _, do := range []func(id string) error{
			func(id string) error { _, err := s.SecretInfos(t.Context(), id); return err },
			func(id string) error { _, err := s.SetSecret(t.Context(), id, NewSecret{}); return err },
			func(id string) error { _, err := s.RotateSecret(t.Context(), id, 0); return err },
			func(id string) error { _, err := s.EndOldSecrets(t.Context(), id); return err },
		} {
			require.ErrorIs(t, do("nobody"), ErrNoDestination)
			require.ErrorIs(t, do("\x00"), ErrNoDestination)
		}
	})
}

func TestRotateSecretGivesWhatTheReceiverNeeds(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Store, _ *clock.Movable) {
		signedDestination(t, s, nil)
		done, err := s.RotateSecret(t.Context(), "d", time.Hour)
		require.NoError(t, err)
		require.Equal(t, []string{done.Secret}, values(t, s))
		require.Empty(t, done.PublicKey)

		signedDestination(t, s, func(d *forward.Destination) { d.Signing = forward.SigningJWS; d.Body = forward.BodyJSON })
		done, err = s.RotateSecret(t.Context(), "d", 0)
		require.NoError(t, err)
		require.Empty(t, done.Secret, "a private key leaves for nobody")
		want, err := forward.PublicJWK(values(t, s)[0])
		require.NoError(t, err)
		require.JSONEq(t, string(want), string(done.PublicKey))
	})
}

// A new secret is a repair: what was held for the old one is due, a pause ends; what
// somebody disabled stays so.
func TestSetSecretReleasesWhatWasHeld(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Store, now *clock.Movable) {
		d := signedDestination(t, s, func(d *forward.Destination) {
			d.AppID, d.Scope, d.NetworkID, d.Kinds = 1, forward.ScopeAll, "", []string{forward.KindInstall}
		})
		require.NoError(t, s.main.in(t.Context(), func(x *tx) error {
			return s.enqueueConversions(t.Context(), x, forward.Conversion{Kind: forward.KindInstall, DedupKey: "install/i", Subject: "i",
				AppID: 1, OccurredAt: start, Att: forward.AttAuthorized, Fields: map[string]string{"idfa": "AD"}})
		}))
		hold := func() {
			_, err := s.main.w.ExecContext(t.Context(), s.main.q(`UPDATE outbox SET state = 'held'`))
			require.NoError(t, err)
			_, err = s.main.w.ExecContext(t.Context(), s.main.q(`UPDATE destination SET paused_reason = 'ten were held', key_missing_at = 1`))
			require.NoError(t, err)
		}
		state := func() (out string) {
			require.NoError(t, s.main.r.GetContext(t.Context(), &out, `SELECT state FROM outbox`))
			return out
		}
		hold()
		now.Advance(time.Minute)
		setSecret(t, s, forward.NewWebhookSecret(), 0)
		require.Equal(t, "pending", state())
		all, err := s.Destinations(t.Context())
		require.NoError(t, err)
		require.Empty(t, all[0].PausedReason)
		require.True(t, all[0].KeyMissingAt.IsZero())

		hold()
		_, err = s.ActOnDestination(t.Context(), d.ID, ActDestinationDisable, "the contract ended")
		require.NoError(t, err)
		setSecret(t, s, forward.NewWebhookSecret(), 0)
		require.Equal(t, "held", state())
	})
}

func TestSecretsAreAuditedWithoutValues(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Store, _ *clock.Movable) {
		signedDestination(t, s, nil)
		value := forward.NewWebhookSecret()
		info := setSecret(t, s, value, time.Hour)
		done, err := s.RotateSecret(ActingAs(t.Context(), Actor{"ann", "operator"}), "d", time.Hour)
		require.NoError(t, err)
		_, err = s.EndOldSecrets(t.Context(), "d")
		require.NoError(t, err)
		log, _, err := s.AuditLog(t.Context(), AuditFilter{}, "", 10)
		require.NoError(t, err)
		require.Len(t, log, 3)
		require.Equal(t, []string{ActSecretEnd, ActSecretRotate, ActSecretSet}, []string{log[0].Action, log[1].Action, log[2].Action})
		require.JSONEq(t, fmt.Sprintf(`{"purpose":"signing","fingerprint":"%s","overlap":"1h0m0s"}`, info.Fingerprint), string(log[2].Detail))
		require.Equal(t, "ann", log[1].Who)
		for _, secret := range []string{value, done.Secret} {
			require.NotContains(t, fmt.Sprint(log), secret[10:])
		}
	})
}

// The key that seals can be changed; without it, deliveries wait and nothing is lost.
func TestSecretsAreResealed(t *testing.T) {
	eachKeyed(t, func(t *testing.T, k keyed) {
		a, b := vault.NewMaster().Encode(), vault.NewMaster().Encode()
		var kept string
		k.with(a, func(s *Store) {
			signedDestination(t, s, nil)
			kept = forward.NewWebhookSecret()
			setSecret(t, s, kept, 0)
		})
		k.with(b+","+a, func(*Store) {})
		require.ErrorContains(t, k.refused(b), "table destination_secret")
		k.with(b+","+a, func(s *Store) {
			n, err := s.Reseal(t.Context())
			require.NoError(t, err)
			require.Equal(t, 1, n)
		})
		k.with(b, func(s *Store) {
			require.Equal(t, []string{kept}, values(t, s))
			_, err := s.main.w.ExecContext(t.Context(), `UPDATE destination_secret SET sealed = replace(sealed, '.', '.A')`)
			require.NoError(t, err)
			_, err = s.Secrets(t.Context(), "d")
			require.Error(t, err)
			require.True(t, errors.Is(err, vault.ErrShape) || errors.Is(err, vault.ErrForged) || errors.Is(err, vault.ErrNoKey))
		})
	})
}

func TestDeleteAppDeletesItsSecrets(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(nil)
		signedDestination(t, in.s, nil)
		setSecret(t, in.s, forward.NewWebhookSecret(), 0)
		in.deleteApp(AppDeletion{Destinations: true})
		require.Empty(t, storedSealed(t, in.s))
	})
}

// Token endpoints are dialled through the same guard as destinations: a name that
// leads inside is not asked, whatever was checked when the destination was saved.
func TestTokenEndpointIsDialledGuarded(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Store, now *clock.Movable) {
		inside := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was asked") }))
		t.Cleanup(inside.Close)
		d := signedDestination(t, s, func(d *forward.Destination) {
			d.Signing, d.SecretEnv, d.Body = forward.SigningNone, "", forward.BodyJSON
			d.OAuth = &forward.OAuth{TokenURL: strings.Replace(inside.URL, "127.0.0.1", "localhost", 1), ClientID: "c", SecretEnv: "EXAMPLE"}
		})
		_, err := s.SetSecret(t.Context(), "d", NewSecret{Purpose: forward.PurposeOAuth, Value: "long-enough"})
		require.NoError(t, err)
		signer := forward.NewSigner(s, safehttp.NewClient(safehttp.Options{}), now)
		_, err = signer.Apply(t.Context(), d, "id", now.Now(), &forward.Rendered{})
		class, reason := forward.Classify(0, err)
		require.Equal(t, forward.ClassHeld, class)
		require.Regexp(t, `^token endpoint: .*refused.*loopback`, reason)
	})
}
