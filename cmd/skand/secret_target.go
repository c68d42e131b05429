package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"skand/internal/store"
)

// maxSecretInput bounds what is read; a larger one is none.
const maxSecretInput = 16 << 10

// readSecret reads a value whole. The line end that editors and echo put behind it is
// not part of it.
func readSecret(in io.Reader) (string, error) {
	raw, err := io.ReadAll(io.LimitReader(in, maxSecretInput))
	if err != nil {
		return "", fmt.Errorf("read the secret: %w", err)
	}
	value := strings.TrimSuffix(strings.TrimSuffix(string(raw), "\n"), "\r")
	if value == "" {
		return "", usagef("secret set: there is nothing on standard input; write skand secret set DESTINATION < FILE")
	}
	return value, nil
}

// secretLine is a secret in words, without its value.
func secretLine(s store.SecretInfo) string {
	line := fmt.Sprintf("%s %s, since %s by %s", s.Purpose, s.Fingerprint, s.CreatedAt.Format(time.RFC3339), s.CreatedBy)
	if s.Env != "" {
		line += ", from " + s.Env
	}
	if s.ExpiresAt == nil {
		return line + ", current"
	}
	return line + ", ends " + s.ExpiresAt.Format(time.RFC3339)
}

func secretPath(id, verb string) string {
	return "/v1/destinations/" + url.PathEscape(id) + "/secret" + verb
}

func setSecret(cmd *cobra.Command, t *target, id, purpose, value string, overlap time.Duration) (done store.SecretInfo, err error) {
	if t.remote() {
		err = t.secret(cmd, http.MethodPut, secretPath(id, ""), map[string]string{
			"secret": value, "purpose": purpose, "overlap": overlap.String(),
		}, &done)
		return done, err
	}
	err = onSecrets(cmd, t, id, func(s *store.Store) error {
		done, err = s.SetSecret(cmd.Context(), id, store.NewSecret{Purpose: purpose, Value: value, Overlap: overlap})
		return err
	})
	return done, err
}

func rotateSecret(cmd *cobra.Command, t *target, id string, overlap time.Duration) (done store.RotatedSecret, err error) {
	if t.remote() {
		err = t.secret(cmd, http.MethodPost, secretPath(id, ":rotate"), map[string]string{"overlap": overlap.String()}, &done)
		return done, err
	}
	err = onSecrets(cmd, t, id, func(s *store.Store) error {
		done, err = s.RotateSecret(cmd.Context(), id, overlap)
		return err
	})
	return done, err
}

func listSecrets(cmd *cobra.Command, t *target, id string) (list []store.SecretInfo, err error) {
	if t.remote() {
		var answer struct {
			Data []store.SecretInfo `json:"data"`
		}
		err = t.secret(cmd, http.MethodGet, secretPath(id, ""), nil, &answer)
		return answer.Data, err
	}
	err = onSecrets(cmd, t, id, func(s *store.Store) error {
		list, err = s.SecretInfos(cmd.Context(), id)
		return err
	})
	return list, err
}

func endSecrets(cmd *cobra.Command, t *target, id string) (n int64, err error) {
	if t.remote() {
		var answer struct {
			Ended int64 `json:"ended"`
		}
		err = t.secret(cmd, http.MethodDelete, secretPath(id, ""), nil, &answer)
		return answer.Ended, err
	}
	err = onSecrets(cmd, t, id, func(s *store.Store) error {
		n, err = s.EndOldSecrets(cmd.Context(), id)
		return err
	})
	return n, err
}

// secret asks the admin listener. body nil: there is none.
func (t *target) secret(cmd *cobra.Command, method, path string, body map[string]string, into any) error {
	var raw []byte
	if body != nil {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			return err
		}
	}
	answer, err := t.call(cmd.Context(), method, path, raw)
	if err != nil {
		return fmt.Errorf("secret %s: %w", cmd.Name(), err)
	}
	return json.Unmarshal(answer, into)
}

// onSecrets opens the store for do.
func onSecrets(cmd *cobra.Command, t *target, id string, do func(s *store.Store) error) error {
	app, err := t.app(cmd)
	if err != nil {
		return err
	}
	err = do(app.store)
	switch {
	case errors.Is(err, store.ErrNoDestination):
		err = fmt.Errorf("secret %s: there is no destination %q; see `skand destination list`", cmd.Name(), id)
	case errors.Is(err, store.ErrSecretUnfit), errors.Is(err, store.ErrManySecrets):
		err = fmt.Errorf("secret %s: destination %q: %w", cmd.Name(), id, err)
	}
	return errors.Join(err, app.Close())
}
