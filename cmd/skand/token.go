package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"skand/internal/auth"
)

// newTokenCmd is `skand token`.
func newTokenCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "token", Short: "Make and revoke API tokens", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(newTokenCreateCmd(), newTokenRevokeCmd())
	return cmd
}

func newTokenCreateCmd() *cobra.Command {
	var role, name string
	var scopes []string
	var apps []int64
	cmd := &cobra.Command{
		Use:   "create --role ROLE --name NAME",
		Short: "Make a token and print it, once: only its hash is kept",
		Example: "  skand token create --role viewer --name dashboards\n" +
			"  skand token create --role none --scope s2s --name game-backend\n" +
			"  skand token create --role viewer --app 525463029 --name puzzle-dashboards",
		Args: noArgs,
	}
	t := addTargetFlags(cmd)
	cmd.Flags().StringVar(&role, "role", "none", "viewer, editor, operator, admin, or none (only scopes)")
	cmd.Flags().StringVar(&name, "name", "", "who or what uses it")
	cmd.Flags().StringSliceVar(&scopes, "scope", nil, "relay, s2s: what it opens on the public listener")
	cmd.Flags().Int64SliceVar(&apps, "app", nil, "an app that it opens, and no other; may be given several times (default: every app)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		plain, err := createToken(cmd, t, name, role, scopes, apps)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(cmd.OutOrStdout(), plain)
		return err
	}
	return cmd
}

func createToken(cmd *cobra.Command, t *target, name, role string, scopes []string, apps []int64) (string, error) {
	if t.remote() {
		var answer struct {
			Token string `json:"token"`
		}
		err := t.post(cmd.Context(), "/v1/tokens", map[string]any{"name": name, "role": role, "scopes": scopes, "apps": apps}, &answer)
		return answer.Token, err
	}
	parsed, err := auth.ParseRole(role)
	if err != nil {
		return "", usagef("token: --role: %w", err)
	}
	token := auth.Token{Name: name, Role: parsed, Apps: apps, CreatedBy: "skand token"}
	for _, s := range scopes {
		more, err := auth.ParseScopes(s)
		if err != nil {
			return "", usagef("token: --scope: %w", err)
		}
		token.Scopes = append(token.Scopes, more...)
	}
	app, err := t.app(cmd)
	if err != nil {
		return "", err
	}
	defer func() { _ = app.Close() }() // the token is committed
	token.CreatedAt = app.clock.Now()
	plain, token, err := auth.New(token)
	if err != nil {
		return "", usagef("token: %w", err)
	}
	return plain, app.store.CreateToken(cmd.Context(), token)
}
