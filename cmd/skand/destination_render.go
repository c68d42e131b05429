package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"skand/forward"
	"skand/internal/apply"
	"skand/internal/clock"
)

func newDestinationRenderCmd() *cobra.Command {
	var path, id, kind, consent string
	var sample, asJSON bool
	t := &target{}
	cmd := &cobra.Command{
		Use:   "render -f FILE --id ID",
		Short: "Show what a destination would send, and send nothing",
		Long: "render reads a destination from the files of 'skand apply', tells every fault of it and shows the requests for samples\n" +
			"of each kind, with secrets as [secret]. It needs no database. With --server it shows the newest real deliveries\n" +
			"instead, rendered by the file's definition (operators; the audit log tells of it).\n" +
			"Exit 0, or 2 where the definition has faults.",
		Example: "  skand destination render -f config/ --id example-events\n" +
			"  skand destination render -f new.yaml --id example-events --server http://127.0.0.1:8081 --token $TOKEN",
		Args: noArgs,
	}
	cmd.Flags().StringVarP(&path, "file", "f", "", "file or folder of skand apply")
	cmd.Flags().StringVar(&id, "id", "", "the destination's id")
	cmd.Flags().StringVar(&kind, "kind", "", "only this kind")
	cmd.Flags().StringVar(&consent, "consent", "", "of samples: authorized or denied (default: both)")
	cmd.Flags().BoolVar(&sample, "sample", false, "samples also with --server")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one object: warnings, requests")
	cmd.Flags().StringVar(&t.server, "server", "", "admin address of a running server, for its real deliveries")
	cmd.Flags().StringVar(&t.token, "token", os.Getenv("SKAND_TOKEN"), "bearer token for --server (SKAND_TOKEN)")
	cmd.Flags().Lookup("token").DefValue = "" // a secret is no default to print
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		d, err := destinationIn(path, id)
		if err != nil {
			return err
		}
		answer := renderAnswer{Warnings: d.Warnings()}
		if t.remote() {
			ask := map[string]any{"definition": d, "sample": sample, "kind": kind}
			if consent != "" {
				ask["consent"] = consent
			}
			answer = renderAnswer{}
			if err := t.post(cmd.Context(), "/v1/destinations/"+url.PathEscape(id)+":render", ask, &answer); err != nil {
				return err
			}
		} else if answer.Requests, err = renderSamples(d, kind, consent); err != nil {
			return err
		}
		return answer.print(cmd, asJSON)
	}
	return cmd
}

// destinationIn reads one destination of a bundle and judges it alone.
func destinationIn(path, id string) (d forward.Destination, err error) {
	switch {
	case path == "":
		return d, usagef("destination render: -f is missing; name a file or a folder")
	case id == "":
		return d, usagef("destination render: --id is missing; name a destination of the file")
	}
	b, err := apply.Read(path)
	if err != nil {
		return d, usagef("destination render: %w", err)
	}
	i := slices.IndexFunc(b.Destinations, func(d forward.Destination) bool { return d.ID == id })
	if i < 0 {
		var ids []string
		for _, d := range b.Destinations {
			ids = append(ids, d.ID)
		}
		return d, usagef("destination render: %s has no destination %q; it has %s", path, id, strings.Join(ids, ", "))
	}
	f := b.Forward
	if f == nil {
		f = &apply.Forward{}
	}
	allow, err := f.Prefixes()
	if err != nil {
		return d, usagef("destination render: %w", err)
	}
	if err := b.Destinations[i].Validate(allow); err != nil {
		return d, usagef("%w", err)
	}
	return b.Destinations[i], nil
}

// shownRequest is a request of a dry run, as the API shows it.
type shownRequest struct {
	Source     string            `json:"source"`
	DeliveryID string            `json:"delivery_id"`
	Kind       string            `json:"kind"`
	Consent    string            `json:"consent,omitempty"`
	Method     string            `json:"method,omitempty"`
	URL        string            `json:"url,omitempty"`
	Headers    map[string]string `json:"headers,omitempty"`
	Body       string            `json:"body,omitempty"`
	Error      string            `json:"error,omitempty"`
}

type renderAnswer struct {
	Warnings []string       `json:"warnings"`
	Requests []shownRequest `json:"requests"`
}

func renderSamples(d forward.Destination, kind, consent string) ([]shownRequest, error) {
	if kind != "" && !slices.Contains(d.Kinds, kind) {
		return nil, usagef("destination render: --kind %q: it takes %s", kind, strings.Join(d.Kinds, ", "))
	}
	states := []string{"authorized", "denied"}
	switch consent {
	case "":
	case "authorized", "denied":
		states = []string{consent}
	default:
		return nil, usagef("destination render: --consent %q: write authorized or denied", consent)
	}
	program, err := forward.Compile(d)
	if err != nil {
		return nil, usagef("%w", err)
	}
	var all []shownRequest
	for _, k := range d.Kinds {
		for i, state := range states {
			dv := forward.Sample(d, k, state, clock.Real{}.Now())
			if kind != "" && k != kind || dv.Consent == "" && i > 0 {
				continue // of what is nobody's there is one
			}
			one := shownRequest{Source: "sample", DeliveryID: dv.ID, Kind: k, Consent: dv.Consent}
			r, err := program.Render(dv)
			if err != nil {
				one.Error = err.Error()
			} else {
				one.take(forward.Show(d, dv.ID, r))
			}
			all = append(all, one)
		}
	}
	return all, nil
}

func (s *shownRequest) take(r forward.Rendered) {
	s.Method, s.URL, s.Body, s.Headers = r.Method, r.URL, string(r.Body), map[string]string{}
	for name := range r.Header {
		s.Headers[name] = r.Header.Get(name)
	}
}

func (a renderAnswer) print(cmd *cobra.Command, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(cmd.OutOrStdout())
		enc.SetEscapeHTML(false)
		return enc.Encode(a)
	}
	for _, w := range a.Warnings {
		fmt.Fprintln(cmd.ErrOrStderr(), "warning:", w) // what cannot be told there cannot be told
	}
	var b bytes.Buffer
	for _, r := range a.Requests {
		fmt.Fprintf(&b, "# %s of %s", r.Source, r.Kind)
		if r.Consent != "" {
			fmt.Fprintf(&b, ", %s", r.Consent)
		}
		b.WriteByte('\n')
		if r.Error != "" {
			fmt.Fprintf(&b, "not sent: %s\n\n", r.Error)
			continue
		}
		fmt.Fprintf(&b, "%s %s\n", r.Method, r.URL)
		for _, name := range slices.Sorted(maps.Keys(r.Headers)) {
			fmt.Fprintf(&b, "%s: %s\n", name, r.Headers[name])
		}
		if r.Body != "" {
			fmt.Fprintf(&b, "\n%s\n", r.Body)
		}
		b.WriteByte('\n')
	}
	_, err := io.Copy(cmd.OutOrStdout(), &b)
	return err
}
