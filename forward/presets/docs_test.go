package presets

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPresetsAreDocumented holds docs/presets.md to the files: with SKAND_WRITE_DOCS=1
// it is written anew.
func TestPresetsAreDocumented(t *testing.T) {
	t.Parallel()
	const file = "../../docs/presets.md"
	if os.Getenv("SKAND_WRITE_DOCS") != "" {
		require.NoError(t, os.WriteFile(file, []byte(docs()), 0o644))
	}
	got, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, docs(), string(got), "run: SKAND_WRITE_DOCS=1 go test ./forward/presets")
}

func docs() string {
	var b strings.Builder
	b.WriteString(`# Ready-made templates

For common receivers: ` + "`skand destination presets NAME`" + ` tells of one, and prints the destination when its places are filled; ` + "`GET /v1/templates`" + ` gives all of them. "Public" says how much of the template the receiver's own public documentation says. What is not confirmed must be tried with the receiver's test tools before money depends on it. Those of the platforms that match by identifier send nothing of people who have not authorized tracking (denied: block); the others send them without identifiers.

| template | receiver | public | kinds | method | to fill |
|---|---|---|---|---|---|
`)
	for _, p := range all {
		var vars []string
		for _, v := range p.Vars[len(own):] {
			vars = append(vars, "`"+v.Name+"`")
		}
		var kinds []string
		for _, k := range p.Destination["kinds"].([]any) {
			kinds = append(kinds, fmt.Sprint(k))
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", p.Name, p.Title, p.Public, strings.Join(kinds, ", "), p.Destination["method"], strings.Join(vars, ", "))
	}
	for _, p := range all {
		fmt.Fprintf(&b, "\n## %s\n\n", p.Title)
		for _, s := range p.Sources {
			fmt.Fprintf(&b, "- <%s>: %s\n", s.URL, s.Says)
		}
		if len(p.Sources) == 0 {
			b.WriteString("- There is no public documentation that it could follow.\n")
		}
		b.WriteString("\nNot confirmed:\n\n")
		for _, u := range p.Unconfirmed {
			fmt.Fprintf(&b, "- %s\n", u)
		}
		if len(p.Vars) > len(own) {
			b.WriteString("\nTo fill, beside `id`, `app_id` and `network_id`:\n\n")
			for _, v := range p.Vars[len(own):] {
				fmt.Fprintf(&b, "- `%s`: %s\n", v.Name, v.Means)
			}
		}
	}
	return b.String()
}
