package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"skand/skan"
)

// verifyRow is one answer of `skand verify --json`.
type verifyRow struct {
	File      string         `json:"file"`
	Line      int            `json:"line"`
	Framework skan.Framework `json:"framework"`
	Version   string         `json:"version"`
	Verdict   skan.Verdict   `json:"verdict"`
	Reason    string         `json:"reason"`
	Key       string         `json:"key"`
	Identity  *skan.Identity `json:"identity"` // null unless the signature verified

	Explanation *skan.Explanation `json:"explanation,omitempty"` // with --explain
}

func newVerifyCmd() *cobra.Command {
	var keysFile string
	var asJSON, allowDevelopment, explain bool
	cmd := &cobra.Command{
		Use:   "verify [FILE…|-]",
		Short: "Verify the signatures of postbacks",
		Long: `Verify the signatures of postbacks, one answer a line: file (with :line after the
first), framework, version, verdict, reason, key, identity.

FILE holds one postback, on as many lines as it likes, or NDJSON; "-" or no FILE is
standard input. Verdicts: valid, development, invalid, malformed, unsupported.
With --explain each answer is followed by its checks in their order: pass, FAIL, or
skip for those after the one that failed.
Exit code: 0 all valid, 1 some are not, 2 wrong usage or unreadable files.`,
		Example: `  skand verify postback.json
  skand verify --explain postback.json
  skand verify --json --keys lab-keys.json archive.ndjson | jq -r .verdict | sort | uniq -c`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, files []string) error {
			keys, err := verifyKeys(keysFile)
			if err != nil {
				return err
			}
			if len(files) == 0 {
				files = []string{"-"}
			}
			run := verifyRun{
				verifier: skan.NewVerifier(keys), out: bufio.NewWriter(cmd.OutOrStdout()),
				asJSON: asJSON, allowDevelopment: allowDevelopment, explain: explain,
			}
			for _, file := range files {
				if err := run.file(file, cmd.InOrStdin()); err != nil {
					_ = run.out.Flush() // the error below is the one to report
					return err
				}
			}
			if err := run.out.Flush(); err != nil {
				return fmt.Errorf("verify: write answers: %w", err)
			}
			if run.notValid {
				return quietExit(1)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&keysFile, "keys", "", `file of more trusted keys: {"name": "base64 SPKI", …}; for AdAttributionKit the name is the kid`)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	cmd.Flags().BoolVar(&explain, "explain", false, "print each check, the signed string and the keys below every answer; with --json as its member explanation")
	cmd.Flags().BoolVar(&allowDevelopment, "allow-development", false, "let development-signed postbacks count as valid for the exit code")
	return cmd
}

// verifyKeys adds the keys of a file to Apple's. They are production keys; one of
// Apple's own, repeated under its name, keeps its trust.
func verifyKeys(file string) (*skan.Keys, error) {
	keys := skan.AppleKeys()
	if file == "" {
		return keys, nil
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, usagef("verify: --keys: %w", err)
	}
	var named map[string]string
	if err := json.Unmarshal(raw, &named); err != nil {
		return nil, usagef(`verify: --keys %s: %w; expected {"name": "base64 SPKI", …}`, file, err)
	}
	apples := map[string]skan.TrustedKey{}
	for _, k := range keys.List() {
		apples[k.Name] = k
	}
	var extra []skan.TrustedKey
	for _, name := range slices.Sorted(maps.Keys(named)) {
		key := skan.TrustedKey{Name: name, SPKI: named[name], Environment: skan.Production}
		if a, ok := apples[name]; ok && a.SPKI == key.SPKI {
			continue
		}
		extra = append(extra, key)
	}
	keys, err = keys.With(extra...)
	if err != nil {
		return nil, usagef("verify: --keys %s: %w", file, err)
	}
	return keys, nil
}

// verifyRun is the state of one command line.
type verifyRun struct {
	verifier         *skan.Verifier
	out              *bufio.Writer
	asJSON           bool
	allowDevelopment bool
	explain          bool
	notValid         bool
}

func (r *verifyRun) file(name string, stdin io.Reader) error {
	in := stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return usagef("verify: %w", err)
		}
		defer func() { _ = f.Close() }() // only read from
		in = f
	}
	bodies := newBodyReader(in)
	for {
		body, err := bodies.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return usagef("verify: read %s: %w", name, err)
		}
		if err := r.body(name, body); err != nil {
			return err
		}
		// Somebody may sit at the other end of a pipe: answer before waiting.
		if bodies.in.Buffered() == 0 {
			if err := r.out.Flush(); err != nil {
				return fmt.Errorf("verify: write answers: %w", err)
			}
		}
	}
}

func (r *verifyRun) body(name string, b fileBody) error {
	x := tooLarge()
	switch {
	case b.tooLarge:
	case r.explain:
		x = r.verifier.Explain(b.text)
	default:
		x.Result = r.verifier.Verify(b.text)
	}
	res := x.Result
	if res.Verdict != skan.Valid && (res.Verdict != skan.Develop || !r.allowDevelopment) {
		r.notValid = true
	}
	row := verifyRow{name, b.line, res.Framework, res.Version, res.Verdict, res.Reason, res.Key, res.Identity, nil}
	if r.explain {
		row.Explanation = &x
	}
	var err error
	if r.asJSON {
		var text []byte
		text, err = json.Marshal(row)
		if err == nil {
			_, err = r.out.Write(append(text, '\n'))
		}
	} else {
		_, err = r.out.WriteString(row.text())
		if err == nil && r.explain {
			_, err = r.out.WriteString(explained(&x))
		}
	}
	if err != nil {
		return fmt.Errorf("verify: write answers: %w", err)
	}
	return nil
}

func (row verifyRow) text() string {
	dash := func(s string) string {
		if s == "" {
			return "-"
		}
		return s
	}
	file, identity := row.File, "-"
	if row.Line > 1 {
		file = fmt.Sprintf("%s:%d", file, row.Line)
	}
	if id := row.Identity; id != nil {
		identity = fmt.Sprintf("%d/%s/%s/%d", id.AppID, id.NetworkID, id.ID, id.Index)
	}
	return fmt.Sprintf("%-32s  %-16s  %-4s  %-11s  %-18s  %-30s  %s\n", file, dash(string(row.Framework)),
		dash(row.Version), row.Verdict, dash(row.Reason), dash(row.Key), identity)
}
