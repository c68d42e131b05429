package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"skand/forward"
)

// testSent is what came of a test, as the admin listener tells it.
type testSent struct {
	DeliveryID string        `json:"delivery_id"`
	Kind       string        `json:"kind"`
	Class      forward.Class `json:"class"`
	Status     int           `json:"status"`
	Reason     string        `json:"reason"`
	Answer     string        `json:"answer"`
	DurationMS int64         `json:"duration_ms"`
	Version    int           `json:"template_version"`
}

func newDestinationTestCmd() *cobra.Command {
	var kind, consent string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "test ID --server URL --token T",
		Short: "Send one sample to a destination, marked as a test, and tell what the receiver answers",
		Long: "test has a running server send a sample the way of every delivery: template, signature, guarded addresses.\n" +
			"{is_test} is true in it, and it is counted nowhere. To see a request without sending it: destination render.\n" +
			"Exit 0: the receiver answered 2xx; 1: it did not, or nothing was sent; 2: wrong usage.",
		Example: "  skand destination test example-events --server http://127.0.0.1:8081 --token $TOKEN",
		Args:    oneDestination,
	}
	t := addTargetFlags(cmd)
	cmd.Flags().StringVar(&kind, "kind", "", "kind of the sample (default: the first of the destination)")
	cmd.Flags().StringVar(&consent, "consent", "", "authorized or denied")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one object")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !t.remote() {
			return usagef("destination test: --server is missing: a running server sends, a database cannot; give its admin address, such as --server http://127.0.0.1:8081")
		}
		body := map[string]string{}
		if kind != "" {
			body["kind"] = kind
		}
		if consent != "" {
			body["consent"] = consent
		}
		var sent testSent
		err := onDestination(cmd, t, args[0], func() error {
			return t.post(cmd.Context(), destinationPath(args[0], ":test"), body, &sent)
		}, nil)
		if err != nil {
			return err
		}
		if asJSON {
			err = json.NewEncoder(cmd.OutOrStdout()).Encode(sent)
		} else {
			err = tellTest(cmd.OutOrStdout(), sent)
		}
		if err == nil && sent.Class != forward.ClassOK {
			return quietExit(1)
		}
		return err
	}
	return cmd
}

func tellTest(w io.Writer, s testSent) error {
	line := fmt.Sprintf("%s: sample of %s", s.Class, s.Kind)
	if s.Status > 0 {
		line += fmt.Sprintf(" answered %d", s.Status)
	}
	line += fmt.Sprintf(" in %d ms, delivery_id %s, version %d", s.DurationMS, s.DeliveryID, s.Version)
	if s.Class != forward.ClassOK && s.Reason != "" {
		line += ": " + inOneLine(s.Reason)
	}
	if s.Answer != "" {
		line += "\n" + strings.TrimRight(s.Answer, "\n")
	}
	_, err := fmt.Fprintln(w, line)
	return err
}
