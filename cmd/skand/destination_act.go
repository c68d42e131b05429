package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"skand/internal/store"
	"skand/internal/web"
)

func newDestinationResumeCmd() *cobra.Command {
	return newDestinationActCmd(store.ActDestinationResume, &cobra.Command{
		Use:   "resume ID",
		Short: "End a pause, close the breaker, and send what waited",
		Long: "resume is for a destination that is paused or open, once its receiver is repaired. What was held is due at\n" +
			"once. A disabled one needs enable.",
		Example: "  skand destination resume example-events",
	})
}

func newDestinationEnableCmd() *cobra.Command {
	return newDestinationActCmd(store.ActDestinationEnable, &cobra.Command{
		Use:     "enable ID",
		Short:   "End what disabled a destination, and send what waited",
		Long:    "enable does what resume does, and also ends a 410, 72 hours without success, and an operator's disable.",
		Example: "  skand destination enable example-events",
	})
}

func newDestinationDisableCmd() *cobra.Command {
	return newDestinationActCmd(store.ActDestinationDisable, &cobra.Command{
		Use:   "disable ID --reason TEXT",
		Short: "Send nothing to a destination until it is enabled",
		Long: "disable stops a destination; new deliveries are written and wait, until they expire. The reason stands in\n" +
			"`destination list`, in the log and in the audit log.",
		Example: `  skand destination disable example-events --reason "the network asked for a stop"`,
	})
}

// newDestinationActCmd makes the command of one of store.ActDestination…
func newDestinationActCmd(action string, cmd *cobra.Command) *cobra.Command {
	reason := ""
	cmd.Args = oneDestination
	t := addTargetFlags(cmd)
	if action == store.ActDestinationDisable {
		cmd.Flags().StringVar(&reason, "reason", "", "why, in a line")
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		reason = strings.TrimSpace(reason)
		if action == store.ActDestinationDisable && reason == "" {
			return usagef("destination disable: --reason is missing; say why, for whoever finds it disabled")
		}
		if err := web.CheckReason(reason); err != nil {
			return usagef("destination disable: --reason: %w", err)
		}
		var done store.DestinationActed
		err := onDestination(cmd, t, args[0], func() error {
			body := map[string]string{}
			if reason != "" {
				body["reason"] = reason
			}
			return t.post(cmd.Context(), destinationPath(args[0], ":"+cmd.Name()), body, &done)
		}, func(s *store.Store) (err error) {
			done, err = s.ActOnDestination(cmd.Context(), args[0], action, reason)
			return err
		})
		if err != nil {
			return err
		}
		line := fmt.Sprintf("%s: %s", done.ID, done.State)
		if why := whyItStands(&done.DestinationStanding); why != "-" {
			line += " (" + why + ")"
		}
		if action != store.ActDestinationDisable {
			line += fmt.Sprintf(", deliveries due again: %d", done.Deliveries)
		}
		_, err = fmt.Fprintln(cmd.OutOrStdout(), line)
		return err
	}
	return cmd
}

func newDestinationRollbackCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rollback ID VERSION",
		Short: "Save an earlier definition once more, as a new version",
		Long: "rollback brings a whole definition back, judged as apply would judge it today. Like every edit it releases\n" +
			"what was held. The files of `skand apply` still have the newer one: change them too.",
		Example: "  skand destination versions example-events\n  skand destination rollback example-events 3",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 || args[0] == "" {
				return usagef("%s takes ID and VERSION; see '%s --help'", cmd.CommandPath(), cmd.CommandPath())
			}
			return nil
		},
	}
	t := addTargetFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		id := args[0]
		n, err := strconv.ParseInt(args[1], 10, 31)
		if err != nil || n < 1 {
			return usagef("destination rollback: VERSION %q is no number of a version; see `skand destination versions %s`", args[1], id)
		}
		var done struct {
			Changed bool                     `json:"changed"`
			Version store.DestinationVersion `json:"version"`
		}
		err = onDestination(cmd, t, id, func() error {
			raw, err := t.call(cmd.Context(), http.MethodPost, destinationPath(id, fmt.Sprintf("/versions/%d:rollback", n)), nil)
			if err != nil {
				return err
			}
			return json.Unmarshal(raw, &done)
		}, func(s *store.Store) (err error) {
			done.Version, done.Changed, err = s.RollBackDestination(cmd.Context(), id, int(n))
			return err
		})
		if err != nil {
			return err
		}
		if !done.Changed {
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "same: %s says already what version %d said\n", id, n)
			return err
		}
		_, err = fmt.Fprintln(cmd.OutOrStdout(), versionLine(done.Version))
		return err
	}
	return cmd
}
