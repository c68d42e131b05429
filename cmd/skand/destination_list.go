package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"skand/forward"
	"skand/internal/store"
)

func newDestinationListCmd() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List destinations and how they stand",
		Long: "list prints a line for each destination: id, app, network, kinds, state and why. The states are in\n" +
			"docs/delivery.md: active, open, paused, disabled, off.",
		Example: "  skand destination list\n  skand destination list --server http://127.0.0.1:8081 --token $TOKEN --json",
		Args:    noArgs,
	}
	t := addTargetFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one object: data")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		all := []store.Definition{}
		err := onDestination(cmd, t, "", func() (err error) {
			all, err = allPages[store.Definition](cmd, t, "/v1/destinations")
			return err
		}, func(s *store.Store) (err error) {
			all, err = everyPage(func(cursor string) ([]store.Definition, string, error) {
				return s.Definitions(cmd.Context(), "destination", cursor, listPage)
			})
			return err
		})
		switch {
		case err != nil:
			return err
		case asJSON:
			return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]any{"data": append([]store.Definition{}, all...)})
		case len(all) == 0:
			_, err = fmt.Fprintln(cmd.ErrOrStderr(), "there are no destinations; docs/examples/forwarding shows how to apply one")
			return err
		}
		return listDestinations(cmd.OutOrStdout(), all)
	}
	return cmd
}

func listDestinations(w io.Writer, all []store.Definition) error {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "ID\tAPP\tNETWORK\tKINDS\tSTATE\tWHY") // kept; Flush tells what went wrong
	for _, one := range all {
		var d forward.Destination
		if err := json.Unmarshal(one.Definition, &d); err != nil {
			return fmt.Errorf("destination list %s: %w", one.ID, err)
		}
		state, why := "", ""
		if s := one.DestinationStanding; s != nil {
			state, why = string(s.State), whyItStands(s)
		}
		fmt.Fprintf(out, "%s\t%d\t%s\t%s\t%s\t%s\n", d.ID, d.AppID, cmp.Or(d.NetworkID, "-"), strings.Join(d.Kinds, ","), state, why)
	}
	return out.Flush()
}

// whyItStands is the reason, who gave it, and when, in a line; "-" while it is active.
func whyItStands(s *store.DestinationStanding) string {
	if s.State == forward.DestinationActive {
		if s.KeyMissingAt != nil {
			return "its secret was missing at " + s.KeyMissingAt.UTC().Format(time.RFC3339)
		}
		return "-"
	}
	why := s.Reason
	if s.DisabledBy != "" {
		why += ", by " + s.DisabledBy
	}
	if s.Since != nil {
		why += ", since " + s.Since.UTC().Format(time.RFC3339)
	}
	if s.NextProbe != nil {
		why += ", next probe " + s.NextProbe.UTC().Format(time.RFC3339)
	}
	return cmp.Or(strings.TrimPrefix(why, ", "), "-")
}

func newDestinationShowCmd() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "show ID",
		Short:   "Show one destination: how it stands, what waits, its secrets' fingerprints, its definition",
		Long:    "show prints lines of comment and then the definition as `skand apply` reads it. No secret is in it.",
		Example: "  skand destination show example-events",
		Args:    oneDestination,
	}
	t := addTargetFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one object")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var d store.DestinationShown
		err := onDestination(cmd, t, args[0], func() error {
			return t.getInto(cmd, destinationPath(args[0], ""), &d)
		}, func(s *store.Store) (err error) {
			d, err = s.ShowDestination(cmd.Context(), args[0])
			return err
		})
		if err != nil {
			return err
		}
		if asJSON {
			return json.NewEncoder(cmd.OutOrStdout()).Encode(d)
		}
		return showDestination(cmd.OutOrStdout(), d)
	}
	return cmd
}

func showDestination(w io.Writer, d store.DestinationShown) error {
	var b strings.Builder
	if s := d.DestinationStanding; s != nil {
		fmt.Fprintf(&b, "# state    %s", s.State)
		if why := whyItStands(s); why != "-" {
			b.WriteString(": " + why)
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "# version  %d, saved %s\n", d.Version, d.UpdatedAt.UTC().Format(time.RFC3339))
	fmt.Fprintf(&b, "# waits    %d pending, %d held, %d gone", d.Queue.Pending, d.Queue.Held, d.Queue.Gone)
	if d.Queue.OldestDue > 0 {
		b.WriteString(", the oldest due for " + (time.Duration(d.Queue.OldestDue) * time.Second).String())
	}
	b.WriteByte('\n')
	for _, s := range d.Secrets {
		fmt.Fprintf(&b, "# secret   %s\n", secretLine(s))
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return err
	}
	var definition forward.Destination
	if err := json.Unmarshal(d.Definition.Definition, &definition); err != nil {
		return err
	}
	return printDestination(w, definition, false)
}

func newDestinationVersionsCmd() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "versions ID",
		Short:   "List the definitions that a destination has had, the newest first",
		Long:    "versions prints the number that the delivery log shows as template_version, when it was saved and by whom.",
		Example: "  skand destination versions example-events",
		Args:    oneDestination,
	}
	t := addTargetFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one object: data, with the definitions")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var all []store.DestinationVersion
		err := onDestination(cmd, t, args[0], func() (err error) {
			all, err = allPages[store.DestinationVersion](cmd, t, destinationPath(args[0], "/versions"))
			return err
		}, func(s *store.Store) (err error) {
			all, err = everyPage(func(cursor string) ([]store.DestinationVersion, string, error) {
				return s.DestinationVersions(cmd.Context(), args[0], cursor, listPage)
			})
			return err
		})
		if err != nil {
			return err
		}
		if asJSON {
			return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]any{"data": all})
		}
		for _, v := range all {
			if _, err := fmt.Fprintln(cmd.OutOrStdout(), versionLine(v)); err != nil {
				return err
			}
		}
		return nil
	}
	return cmd
}

func versionLine(v store.DestinationVersion) string {
	line := strconv.Itoa(v.Version) + "  " + v.SavedAt.UTC().Format(time.RFC3339)
	if v.SavedBy != "" {
		line += " by " + v.SavedBy
	}
	if v.RolledBackFrom > 0 {
		line += fmt.Sprintf(", brought back from %d", v.RolledBackFrom)
	}
	if v.Current {
		line += ", current"
	}
	return line
}
