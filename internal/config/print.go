package config

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// PrintDefaults writes a whole skand.yaml: every key with its default and what
// it does.
func PrintDefaults(w io.Writer) error {
	d := Defaults()
	var b strings.Builder
	b.WriteString("# skand.yaml: all keys with their defaults; leave out what you do not change.\n" +
		"# Each key is also an environment variable: log.level is SKAND_LOG_LEVEL.\n" +
		"# Flags go before the environment, the environment before this file.\n")
	section := ""
	for _, f := range fields(&d) {
		indent, name := "", f.key
		if in, below, nested := strings.Cut(f.key, dot); nested {
			if in != section {
				fmt.Fprintf(&b, "\n%s:\n", in)
				section = in
			}
			indent, name = "  ", below
		} else {
			b.WriteString("\n")
		}
		for line := range strings.SplitSeq(f.doc, "\n") {
			fmt.Fprintf(&b, "%s# %s\n", indent, line)
		}
		fmt.Fprintf(&b, "%s%s: %s\n", indent, name, yamlValue(f.get()))
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("print defaults: %w", err)
	}
	return nil
}

func yamlValue(v any) string {
	switch v := v.(type) {
	case string:
		return strconv.Quote(v)
	case []string:
		return "[" + strings.Join(v, ", ") + "]"
	default:
		return fmt.Sprint(v)
	}
}
