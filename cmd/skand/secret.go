package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"skand/forward"
)

// newSecretCmd is `skand secret`.
func newSecretCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "secret", Short: "Make, set, rotate and end what destinations sign with", Args: noArgs,
		Long: "A secret is kept sealed and never shown again, except once by rotate. Values are read from standard\n" +
			"input, never from arguments, which other users of a machine can see.",
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newSecretNewCmd(), newSecretSetCmd(), newSecretRotateCmd(), newSecretListCmd(), newSecretEndCmd())
	return cmd
}

func newSecretNewCmd() *cobra.Command {
	var jws bool
	cmd := &cobra.Command{
		Use:   "new",
		Short: "Print a new random secret, and keep it nowhere",
		Long: "new prints a secret for signing: standard-webhooks (whsec_ and base64), or with --jws a private key\n" +
			"(P-256, PKCS #8 in one line of base64).",
		Example: "  export EXAMPLE_SECRET=$(skand secret new)",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			secret := forward.NewWebhookSecret()
			if jws {
				var err error
				if secret, err = forward.NewJWSKey(); err != nil {
					return err
				}
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), secret)
			return err
		},
	}
	cmd.Flags().BoolVar(&jws, "jws", false, "a private key for signing: jws")
	return cmd
}

// oneDestination takes one argument, the destination's id.
func oneDestination(cmd *cobra.Command, args []string) error {
	if len(args) != 1 || args[0] == "" {
		return usagef("%s takes one DESTINATION; see '%s --help'", cmd.CommandPath(), cmd.CommandPath())
	}
	return nil
}

func addOverlapFlag(cmd *cobra.Command) *string {
	return cmd.Flags().String("overlap", "24h", "how long the secrets before it stay in force; 0: they end now")
}

func newSecretSetCmd() *cobra.Command {
	var purpose string
	cmd := &cobra.Command{
		Use:   "set DESTINATION",
		Short: "Set the secret of a destination, read from standard input",
		Long: "set seals the value as the current secret. Those before it stay in force for --overlap: standard-webhooks\n" +
			"signs with all of them, everything else uses the newest alone.",
		Example: "  skand secret set example-events < secret.txt\n  skand secret set example-events --purpose oauth --overlap 0 < secret.txt",
		Args:    oneDestination,
	}
	t := addTargetFlags(cmd)
	overlap := addOverlapFlag(cmd)
	cmd.Flags().StringVar(&purpose, "purpose", forward.PurposeSigning, "signing (what secret_env is for) or oauth (oauth.secret_env)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		span, err := forward.ParseOverlap(*overlap)
		if err != nil {
			return usagef("secret set: --overlap: %w", err)
		}
		value, err := readSecret(cmd.InOrStdin())
		if err != nil {
			return err
		}
		done, err := setSecret(cmd, t, args[0], purpose, value, span)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "set: %s\n", secretLine(done))
		return err
	}
	return cmd
}

func newSecretRotateCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rotate DESTINATION",
		Short: "Set a new random secret and print, once, what its receiver needs",
		Long: "rotate makes a secret of the form that the destination signs with and prints it, alone, on standard output:\n" +
			"give it to the receiver within --overlap. Of signing: jws it prints the public key (a JWK); the private one\n" +
			"is shown to nobody.",
		Example: "  skand secret rotate example-modeled --overlap 7d",
		Args:    oneDestination,
	}
	t := addTargetFlags(cmd)
	overlap := addOverlapFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		span, err := forward.ParseOverlap(*overlap)
		if err != nil {
			return usagef("secret rotate: --overlap: %w", err)
		}
		done, err := rotateSecret(cmd, t, args[0], span)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(cmd.ErrOrStderr(), "set: %s\n", secretLine(done.SecretInfo)); err != nil {
			return err
		}
		shown := done.Secret
		if shown == "" {
			shown = string(done.PublicKey)
		}
		_, err = fmt.Fprintln(cmd.OutOrStdout(), shown)
		return err
	}
	return cmd
}

func newSecretListCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list DESTINATION",
		Short:   "List a destination's secrets in force, without their values",
		Example: "  skand secret list example-modeled",
		Args:    oneDestination,
	}
	t := addTargetFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		list, err := listSecrets(cmd, t, args[0])
		if err != nil {
			return err
		}
		for _, s := range list {
			if _, err := fmt.Fprintln(cmd.OutOrStdout(), secretLine(s)); err != nil {
				return err
			}
		}
		return nil
	}
	return cmd
}

func newSecretEndCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "end DESTINATION",
		Short:   "End now the secrets that were replaced; the current ones stay",
		Example: "  skand secret rotate example-modeled && skand secret end example-modeled",
		Args:    oneDestination,
	}
	t := addTargetFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		n, err := endSecrets(cmd, t, args[0])
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d older secrets ended\n", n)
		return err
	}
	return cmd
}
