package apply

import (
	"errors"
	"log/slog"
	"maps"
	"slices"

	"skand/forward"
)

// Secrets are values by the name of the environment variable that they were read from.
// They travel beside the definitions that name them, from the process that applies to
// the store that seals them; no file holds them. They print as their names.
type Secrets map[string]string

// String implements fmt.Stringer, without a value.
func (s Secrets) String() string {
	text := "secrets ["
	for i, name := range slices.Sorted(maps.Keys(s)) {
		if i > 0 {
			text += " "
		}
		text += name
	}
	return text + "]"
}

// GoString implements fmt.GoStringer.
func (s Secrets) GoString() string { return s.String() }

// LogValue implements slog.LogValuer.
func (s Secrets) LogValue() slog.Value { return slog.StringValue(s.String()) }

var errSecretsInFile = errors.New("secrets: do not belong into files; name a variable with secret_env and set it where skand apply runs")

// TakeSecrets reads what the destinations name from an environment, as far as it is
// set there.
func (b *Bundle) TakeSecrets(getenv func(name string) string) {
	for _, d := range b.Destinations {
		for _, name := range d.SecretEnvs() {
			value := getenv(name)
			if value == "" {
				continue
			}
			if b.Secrets == nil {
				b.Secrets = Secrets{}
			}
			b.Secrets[name] = value
		}
	}
}

// Serving notes which variables the process that serves has itself: deliveries need
// not wait for those.
func (b *Bundle) Serving(getenv func(name string) string) {
	b.serving = map[string]bool{}
	for _, d := range b.Destinations {
		for _, name := range d.SecretEnvs() {
			b.serving[name] = getenv(name) != ""
		}
	}
}

// Served reports what Serving noted of a variable; false if nobody asked.
func (b *Bundle) Served(name string) bool { return b.serving[name] }

// checkSecrets finds values that a destination can't use. It never repeats them.
func (b *Bundle) checkSecrets(d forward.Destination, bad func(format string, args ...any)) {
	envs := d.SecretEnvs()
	for _, purpose := range slices.Sorted(maps.Keys(envs)) {
		value := b.Secrets[envs[purpose]]
		if value == "" {
			continue
		}
		if err := d.CheckSecret(purpose, value); err != nil {
			bad("destination %q: %s, read from the environment: %w", d.ID, envs[purpose], err)
		}
	}
}
