package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/forward"
	"skand/internal/apply"
)

func secretBundle(value string) *apply.Bundle {
	d := destination("d", "https://ads.example/x")
	d.Method, d.Signing, d.SecretEnv = forward.MethodPost, forward.SigningStandardWebhooks, "EXAMPLE"
	b := &apply.Bundle{Destinations: []forward.Destination{d.WithDefaults()}}
	b.TakeSecrets(func(name string) string { return map[string]string{"EXAMPLE": value}[name] })
	return b
}

// toldOfSecrets is what apply says of secrets.
func toldOfSecrets(changes []Change) (lines []string) {
	for _, c := range changes {
		if strings.Contains(c.What, "secret") || c.Action == ActionWarn {
			lines = append(lines, c.Action+" "+c.What+": "+c.Detail)
		}
	}
	return lines
}

func TestApplyTakesSecretsFromItsEnvironment(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		step := func(b *apply.Bundle) []string {
			t.Helper()
			before := storedSealed(t, in.s)
			dry, err := in.s.Apply(t.Context(), b, "tester", true)
			require.NoError(t, err)
			require.Equal(t, before, storedSealed(t, in.s), "a dry run stores nothing")
			lines := toldOfSecrets(in.apply(b))
			require.Equal(t, toldOfSecrets(dry), lines, "and tells the same")
			return lines
		}
		in.register(nil)
		none := step(secretBundle(""))
		require.Len(t, none, 1)
		require.Contains(t, none[0], "warn destination d: secret_env EXAMPLE is set neither here nor stored; deliveries wait until it is")

		served := secretBundle("")
		served.Serving(func(string) string { return "x" })
		require.Empty(t, step(served), "the serving process has it")

		a, b := forward.NewWebhookSecret(), forward.NewWebhookSecret()
		lines := step(secretBundle(a))
		require.Equal(t, []string{"create signing secret of destination d: EXAMPLE, fingerprint " + in.s.fingerprint(a)[:fingerprintShown]}, lines)
		require.Equal(t, []string{a}, values(t, in.s))
		require.Equal(t, []string{"same signing secret of destination d: EXAMPLE"}, step(secretBundle(a)))
		require.Empty(t, step(secretBundle("")), "who applies without it takes nothing away")

		in.now.Advance(time.Hour)
		require.Contains(t, step(secretBundle(b))[0], "update signing secret of destination d")
		require.Equal(t, []string{b, a}, values(t, in.s))
		require.Contains(t, step(secretBundle(a))[0], "warn destination d: EXAMPLE holds an older secret")
		in.now.Advance(forward.DefaultOverlap)
		_, err := in.s.Retain(t.Context())
		require.NoError(t, err)
		require.Contains(t, step(secretBundle(a))[0], "EXAMPLE holds an older secret", "also when it has ended")
		require.Equal(t, []string{b}, values(t, in.s))

		rotated, err := in.s.RotateSecret(t.Context(), "d", time.Hour)
		require.NoError(t, err)
		require.Contains(t, step(secretBundle(b))[0], "EXAMPLE holds an older secret")
		require.Equal(t, rotated.Secret, values(t, in.s)[0])

		renamed := secretBundle("")
		renamed.Destinations[0].SecretEnv = "OTHER"
		require.Empty(t, step(renamed), "it was set by itself")
		log, _, err := in.s.AuditLog(t.Context(), AuditFilter{}, "", 50)
		require.NoError(t, err)
		for _, secret := range []string{a, b, rotated.Secret} {
			require.NotContains(t, fmt.Sprint(log, lines), secret[10:])
		}
	})
}

func TestApplyRefusesSecretsThatDoNotFit(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(nil)
		_, err := in.s.Apply(t.Context(), secretBundle("s3cr3t-of-another-kind"), "tester", false)
		var refused *apply.Refused
		require.ErrorAs(t, err, &refused)
		require.ErrorContains(t, err, `destination "d": EXAMPLE, read from the environment: the secret does not begin with whsec_`)
		require.NotContains(t, err.Error(), "s3cr3t")
		require.Empty(t, storedSealed(t, in.s))
		for range maxSecrets {
			in.apply(secretBundle(forward.NewWebhookSecret()))
		}
		_, err = in.s.Apply(t.Context(), secretBundle(forward.NewWebhookSecret()), "tester", false)
		require.ErrorAs(t, err, &refused)
		require.ErrorContains(t, err, "end the older ones first")
	})
}

func TestExportHoldsNamesOfSecretsOnly(t *testing.T) {
	eachInbox(t, func(t *testing.T, in inbox) {
		in.register(nil)
		value := forward.NewWebhookSecret()
		in.apply(secretBundle(value))
		b, err := in.s.Export(t.Context())
		require.NoError(t, err)
		require.Nil(t, b.Secrets)
		files, err := b.Files()
		require.NoError(t, err)
		var all strings.Builder
		for _, f := range files {
			all.Write(f.Text)
		}
		require.Contains(t, all.String(), "secret_env: EXAMPLE")
		require.NotContains(t, all.String(), value[10:])
		require.NotContains(t, all.String(), "secrets")
	})
}
