package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/mail"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"skand/internal/auth"
	"skand/internal/store"
	"skand/internal/web"
)

// newUserCmd is `skand user`.
func newUserCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "user", Short: "Manage the people who sign in to the pages", Args: noArgs,
		Long: "user manages accounts. Roles are viewer < editor < operator < admin; --app bounds a person to some apps, who then\n" +
			"sees nothing of others. Whatever changes a person's rights or password ends the person's sessions.",
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newUserAddCmd(), newUserListCmd(), newUserRoleCmd(), newUserGrantCmd(),
		newUserDisableCmd("disable", true), newUserDisableCmd("enable", false), newUserResetCmd(), newUserSignOutCmd())
	return cmd
}

// oneEmail wants an address, and so many words more.
func oneEmail(words ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1+len(words) {
			return usagef("%s takes %s; see '%s --help'", cmd.CommandPath(), strings.Join(append([]string{"EMAIL"}, words...), " and "), cmd.CommandPath())
		}
		if _, err := mail.ParseAddress(args[0]); err != nil {
			return usagef("%s: %q is no e-mail address", cmd.CommandPath(), args[0])
		}
		return nil
	}
}

func newUserAddCmd() *cobra.Command {
	var role string
	var apps []int64
	var stdin, none bool
	cmd := &cobra.Command{
		Use:   "add EMAIL --role ROLE (--password-stdin | --no-password)",
		Short: "Add a person",
		Long: "add makes an account. The password is read from standard input, never from the command line, where others see it.\n" +
			"--no-password is for people who sign in at the OpenID provider (oidc.issuer).",
		Example: "  skand user add anna@example.com --role admin --password-stdin < password.txt\n" +
			"  skand user add ben@example.com --role viewer --app 525463029 --no-password",
		Args: oneEmail(),
	}
	t := addTargetFlags(cmd)
	cmd.Flags().StringVar(&role, "role", "", "viewer, editor, operator or admin")
	cmd.Flags().Int64SliceVar(&apps, "app", nil, "an app that the person may see, and no other; may be given several times (default: every app)")
	cmd.Flags().BoolVar(&stdin, "password-stdin", false, "read the password from standard input")
	cmd.Flags().BoolVar(&none, "no-password", false, "the person signs in at the OpenID provider")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if stdin == none {
			return usagef("user add: give --password-stdin, or --no-password for people of the OpenID provider")
		}
		if _, _, err := auth.CheckRights(auth.Role(role), apps); err != nil {
			return usagef("user add: %w", err)
		}
		password := ""
		if stdin {
			var err error
			if password, err = readPassword(cmd.InOrStdin(), args[0]); err != nil {
				return err
			}
		}
		return onUsers(cmd, t, func(k userKeeper) error {
			made, err := k.create(cmd.Context(), args[0], auth.Role(role), apps, password)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "added: "+userLine(made))
			return err
		})
	}
	return cmd
}

// readPassword reads a password and refuses it here, before anything is opened.
func readPassword(in io.Reader, email string) (string, error) {
	raw, err := io.ReadAll(io.LimitReader(in, maxSecretInput))
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	password := strings.TrimSuffix(strings.TrimSuffix(string(raw), "\n"), "\r")
	if password == "" {
		return "", usagef("user: there is no password on standard input; write --password-stdin < FILE")
	}
	if err := auth.CheckPassword(password, strings.ToLower(email)); err != nil {
		return "", usagef("user: %w", err)
	}
	return password, nil
}

// userLine is an account in words.
func userLine(u web.UserView) string {
	line := fmt.Sprintf("%s, %s of %s", u.Email, u.Role, appsInWords(u.Apps))
	if u.Disabled {
		line += ", disabled"
	}
	return line
}

func appsInWords(apps []int64) string {
	if len(apps) == 0 {
		return "every app"
	}
	words := strings.ReplaceAll(auth.FormatApps(apps), ",", ", ")
	if len(apps) == 1 {
		return "app " + words
	}
	return "apps " + words
}

func newUserListCmd() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{Use: "list", Short: "List the accounts", Example: "  skand user list\n  skand user list --json", Args: noArgs}
	t := addTargetFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return onUsers(cmd, t, func(k userKeeper) error {
			all, err := k.list(cmd.Context())
			if err != nil {
				return err
			}
			return printUsers(cmd.OutOrStdout(), all, asJSON)
		})
	}
	return cmd
}

func printUsers(out io.Writer, all []web.UserView, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(out)
		for _, u := range all {
			if err := enc.Encode(u); err != nil {
				return err
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "EMAIL\tROLE\tAPPS\tSIGNED IN\tSTATE")
	for _, u := range all {
		seen, state := "never", "enabled"
		if u.SignedInAt != nil {
			seen = u.SignedInAt.Format("2006-01-02 15:04 UTC")
		}
		if u.Disabled {
			state = "disabled"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", u.Email, u.Role, appsInWords(u.Apps), seen, state)
	}
	return w.Flush()
}

// change is what the commands that change rights have in common.
func changeUser(cmd *cobra.Command, t *target, email string, c store.AccountChange) error {
	return onUsers(cmd, t, func(k userKeeper) error {
		now, err := k.change(cmd.Context(), email, c)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(cmd.OutOrStdout(), "now: "+userLine(now))
		return err
	})
}

func newUserRoleCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "set-role EMAIL ROLE", Short: "Give a person another role", Args: oneEmail("ROLE"),
		Example: "  skand user set-role ben@example.com editor",
	}
	t := addTargetFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		role, _, err := auth.CheckRights(auth.Role(args[1]), nil)
		if err != nil {
			return usagef("user set-role: %w", err)
		}
		return changeUser(cmd, t, args[0], store.AccountChange{Role: &role})
	}
	return cmd
}

func newUserGrantCmd() *cobra.Command {
	var apps []int64
	var all bool
	cmd := &cobra.Command{
		Use: "grant EMAIL (--app ID… | --all-apps)", Short: "Say which apps a person may see", Args: oneEmail(),
		Long:    "grant takes the place of the grant before: name every app that the person may see from now on.",
		Example: "  skand user grant ben@example.com --app 525463029 --app 1234567\n  skand user grant ben@example.com --all-apps",
	}
	t := addTargetFlags(cmd)
	cmd.Flags().Int64SliceVar(&apps, "app", nil, "an app; may be given several times")
	cmd.Flags().BoolVar(&all, "all-apps", false, "every app")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if all == (len(apps) > 0) {
			return usagef("user grant: give --app ID, or --all-apps")
		}
		if _, _, err := auth.CheckRights(auth.Viewer, apps); err != nil {
			return usagef("user grant: %w", err)
		}
		return changeUser(cmd, t, args[0], store.AccountChange{Apps: &apps})
	}
	return cmd
}

func newUserDisableCmd(name string, disabled bool) *cobra.Command {
	short := "Keep a person out, at once; the account stays for the audit log"
	if !disabled {
		short = "Let a disabled person in again"
	}
	cmd := &cobra.Command{Use: name + " EMAIL", Short: short, Args: oneEmail(), Example: "  skand user " + name + " ben@example.com"}
	t := addTargetFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return changeUser(cmd, t, args[0], store.AccountChange{Disabled: &disabled})
	}
	return cmd
}

func newUserResetCmd() *cobra.Command {
	var stdin bool
	cmd := &cobra.Command{
		Use: "reset-password EMAIL", Short: "Give a person a new password and print it, once", Args: oneEmail(),
		Long:    "reset-password makes a random password and prints it, alone, on standard output; or it takes the one of standard input.",
		Example: "  skand user reset-password ben@example.com\n  skand user reset-password ben@example.com --password-stdin < password.txt",
	}
	t := addTargetFlags(cmd)
	cmd.Flags().BoolVar(&stdin, "password-stdin", false, "read the password from standard input and print nothing")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		password := auth.MakePassword()
		if stdin {
			var err error
			if password, err = readPassword(cmd.InOrStdin(), args[0]); err != nil {
				return err
			}
		}
		return onUsers(cmd, t, func(k userKeeper) error {
			if err := k.reset(cmd.Context(), args[0], password); err != nil || stdin {
				return err
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), password)
			return err
		})
	}
	return cmd
}

func newUserSignOutCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "sign-out EMAIL", Short: "End all sessions of a person", Args: oneEmail(), Example: "  skand user sign-out ben@example.com",
	}
	t := addTargetFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return onUsers(cmd, t, func(k userKeeper) error {
			n, err := k.signOut(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d sessions ended\n", n)
			return err
		})
	}
	return cmd
}
