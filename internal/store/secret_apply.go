package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"skand/forward"
	"skand/internal/apply"
)

// secrets takes up, for one destination, what apply has read from its environment. A
// value that was replaced or ended since stays so: whoever applies regularly need not
// have the newest environment.
func (a *applier) secrets(ctx context.Context, d forward.Destination, b *apply.Bundle) error {
	envs := d.SecretEnvs()
	if len(envs) == 0 {
		return nil
	}
	rows, err := secretRows(ctx, a.t, d.ID)
	if err != nil {
		return err
	}
	for _, purpose := range slices.Sorted(maps.Keys(envs)) {
		env := envs[purpose]
		value := b.Secrets[env]
		var current, same *secretRow
		for i, r := range rows {
			if r.Purpose != purpose {
				continue
			}
			if !r.ExpiresAt.Valid {
				current = &rows[i]
			}
			if value != "" && r.Fingerprint == a.s.fingerprint(value) {
				same = &rows[i]
			}
		}
		what := fmt.Sprintf("%s secret of destination %s", purpose, d.ID)
		switch {
		case value == "":
			if b.Served(env) || current != nil && (current.Env == "" || current.Env == env) {
				continue
			}
			a.note("destination "+d.ID, ActionWarn, fmt.Sprintf(
				"%s %s is set neither here nor stored; deliveries wait until it is: apply where it is set, set it for skand serve, or skand secret set %s",
				envField(purpose), env, d.ID))
		case same != nil && same == current && current.Env == env:
			a.note(what, "same", env)
		case same != nil && same != current:
			a.note("destination "+d.ID, ActionWarn, fmt.Sprintf(
				"%s holds an older secret (%s); the newer one stays: set the variable to that one, or skand secret set %s to go back",
				env, same.Fingerprint[:fingerprintShown], d.ID))
		default:
			if err := a.setSecret(ctx, d, NewSecret{purpose, value, forward.DefaultOverlap, env}); err != nil {
				return err
			}
			a.note(what, action(current != nil, true), fmt.Sprintf("%s, fingerprint %s", env, a.s.fingerprint(value)[:fingerprintShown]))
		}
	}
	return nil
}

func envField(purpose string) string {
	if purpose == forward.PurposeOAuth {
		return "oauth.secret_env"
	}
	return "secret_env"
}

func (a *applier) setSecret(ctx context.Context, d forward.Destination, n NewSecret) error {
	r, err := heldDestination(ctx, a.t, d.ID, a.t.forUpdate())
	if err != nil {
		return err
	}
	_, err = a.s.setSecret(ctx, a.t, r, n, a.who.Who, a.now)
	if err == nil {
		return nil
	}
	err = fmt.Errorf("destination %q: %s: %w", d.ID, n.env, err)
	if errors.Is(err, ErrManySecrets) || errors.Is(err, ErrSecretUnfit) {
		return apply.Refuse(err)
	}
	return err
}
