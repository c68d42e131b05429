package main

import (
	"fmt"
	"strings"

	"skand/skan"
)

// tooLarge explains a body that was not read, for it is more than anything in skand takes.
func tooLarge() skan.Explanation {
	const message = "the body is larger than 64 KiB, which is what the receiver takes"
	return skan.Explanation{
		Result: skan.Result{Verdict: skan.Malformed, Reason: "too_large", Message: message, NotObject: true},
		Checks: []skan.Check{{Name: "size", Status: skan.CheckFail, Reason: "too_large", Sentence: message}},
		Keys:   []skan.KeyTried{}, Notes: []skan.Note{},
	}
}

// explained is one check a line, then what was signed and what is odd about it.
func explained(x *skan.Explanation) string {
	var b strings.Builder
	for _, c := range x.Checks {
		status := map[skan.CheckStatus]string{skan.CheckPass: "pass", skan.CheckFail: "FAIL", skan.CheckSkipped: "skip"}[c.Status]
		what := c.Name
		if c.Field != "" && c.Field != c.Name {
			what += " " + c.Field
		}
		sentence := c.Sentence
		if c.Reason != "" {
			sentence += " [" + c.Reason + "]"
		}
		switch {
		case c.Status != skan.CheckPass || c.Signed == nil || c.Value == nil:
		case *c.Signed:
			sentence += " (signed)"
		default:
			sentence += " (not signed)"
		}
		fmt.Fprintf(&b, "  %-4s  %-36s  %s\n", status, what, printable(sentence))
	}
	if x.Signed != nil {
		fmt.Fprintf(&b, "  signed string, %d bytes, SHA-256 %s:\n    %s\n", x.Signed.Bytes, x.Signed.SHA256, x.Signed.Text)
	}
	for _, n := range x.Notes {
		fmt.Fprintf(&b, "  note  %-36s  %s\n", n.Flag, n.Sentence)
	}
	return b.String()
}

// printable keeps what a stranger wrote on its line, and control characters away from
// terminals.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' {
			return '\uFFFD'
		}
		return r
	}, s)
}
