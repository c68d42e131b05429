package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"skand/internal/store"
)

func newTokenRevokeCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "revoke NAME",
		Short: "End every token of a name, at once and for ever",
		Long: "revoke ends the tokens that were created with --name NAME, all of them if there are several.\n" +
			"Running servers refuse them from the next request on. Exit 1: no token ever had the name.",
		Example: "  skand token revoke game-backend",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 || args[0] == "" {
				return usagef("%s takes one NAME; see '%s --help'", cmd.CommandPath(), cmd.CommandPath())
			}
			return nil
		},
	}
	t := addTargetFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		n, err := revokeTokens(cmd, t, args[0])
		if err != nil {
			return err
		}
		said := fmt.Sprintf("%d tokens named %q revoked", n, args[0])
		switch n {
		case 0:
			said = fmt.Sprintf("no token named %q was left to revoke", args[0])
		case 1:
			said = fmt.Sprintf("token %q revoked", args[0])
		}
		_, err = fmt.Fprintln(cmd.OutOrStdout(), said)
		return err
	}
	return cmd
}

func revokeTokens(cmd *cobra.Command, t *target, name string) (int, error) {
	if t.remote() {
		body, err := json.Marshal(map[string]string{"name": name})
		if err != nil {
			return 0, err
		}
		answer, err := t.call(cmd.Context(), http.MethodDelete, "/v1/tokens", body)
		if err != nil {
			return 0, fmt.Errorf("token %q: %w", name, err)
		}
		var out struct {
			Revoked int `json:"revoked"`
		}
		err = json.Unmarshal(answer, &out)
		return out.Revoked, err
	}
	app, err := t.app(cmd)
	if err != nil {
		return 0, err
	}
	n, err := app.store.RevokeTokensNamed(cmd.Context(), name)
	if errors.Is(err, store.ErrNoSuchToken) {
		err = fmt.Errorf("token %q: no token has this name", name)
	}
	return n, errors.Join(err, app.Close())
}
