package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"skand/forward"
	"skand/forward/presets"
	"skand/internal/apply"
)

func newDestinationPresetsCmd() *cobra.Command {
	var vars map[string]string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "presets [NAME]",
		Short: "Ready-made templates for common receivers",
		Long: "presets lists the templates. With a name it tells where the template is from, what could not be confirmed and which\n" +
			"places are to be filled; with --var for each place it prints the destination for 'skand apply'.",
		Example: "  skand destination presets meta-app-events\n" +
			"  skand destination presets meta-app-events --var id=meta,app_id=525463029,api_version=v23.0,dataset_id=123 > meta.yaml",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("destination presets: name one template, or none for the list")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			w := cmd.OutOrStdout()
			if len(args) == 0 {
				return listPresets(w, asJSON)
			}
			p, err := presets.Named(args[0])
			if err != nil {
				return usagef("destination presets: %w", err)
			}
			if len(vars) == 0 {
				return tellPreset(w, p, asJSON)
			}
			d, err := p.Fill(vars)
			if err != nil {
				return usagef("destination presets: --var: %w", err)
			}
			return printDestination(w, d, asJSON)
		},
	}
	cmd.Flags().StringToStringVar(&vars, "var", nil, "place=value, for each place of the template")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func listPresets(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(presets.All())
	}
	if _, err := fmt.Fprintf(w, "%-22s  %-6s  %s\n", "NAME", "PUBLIC", "RECEIVER"); err != nil {
		return err
	}
	for _, p := range presets.All() {
		if _, err := fmt.Fprintf(w, "%-22s  %-6s  %s\n", p.Name, p.Public, p.Title); err != nil {
			return err
		}
	}
	return nil
}

func tellPreset(w io.Writer, p presets.Preset, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(p)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\npublic documentation says: %s\n", p.Title, p.Public)
	for _, s := range p.Sources {
		fmt.Fprintf(&b, "\n%s\n  %s\n", s.URL, s.Says)
	}
	b.WriteString("\nnot confirmed:\n")
	for _, u := range p.Unconfirmed {
		fmt.Fprintf(&b, "- %s\n", u)
	}
	b.WriteString("\nto fill (--var place=value,…):\n")
	for _, v := range p.Vars {
		fmt.Fprintf(&b, "  %-16s %s, such as %s\n", v.Name, v.Means, v.Example)
	}
	d, err := p.Fill(p.Examples())
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "%s\nfilled with these examples:\n", b.String()); err != nil {
		return err
	}
	return printDestination(w, d, false)
}

// printDestination writes what `skand apply` reads.
func printDestination(w io.Writer, d forward.Destination, asJSON bool) error {
	b := &apply.Bundle{Destinations: []forward.Destination{d}}
	if asJSON {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		return enc.Encode(b)
	}
	files, err := b.Files()
	if err != nil {
		return err
	}
	for _, f := range files {
		if f.Name != "destinations.yaml" {
			continue // there is always a file of apps
		}
		if _, err := w.Write(f.Text); err != nil {
			return err
		}
	}
	return nil
}
