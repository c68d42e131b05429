// Package archtest holds the arrows between the packages and the few rules that
// a linter might be switched off for. It owns no product code.
package archtest

import (
	"slices"
	"strings"
)

const module = "skand"

// The domain packages, each with what it may import of this module. Data flows
// one way: skan, schema <- conversion <- aggregate <- forward. The clock, the search
// for a mistyped name and the judgement of addresses are the plumbing small enough to
// be let in.
var domain = map[string][]string{
	"skan":       {"internal/clock"},
	"schema":     {"internal/clock"},
	"conversion": {"internal/clock", "skan", "schema"},
	"aggregate":  {"internal/clock", "skan", "schema", "conversion"},
	"forward":    {"internal/clock", "internal/nearest", "internal/safehttp/address", "skan", "schema", "conversion", "aggregate"},
}

// only says which folders may import a package (or what lies below it).
var only = []struct {
	path string
	in   []string
}{
	// All SQL is in one place, so that a statement can be found and judged.
	// The bench has the naive server that ours is measured against; the attacks read as
	// a BI tool does.
	{"database/sql", []string{"internal/store", "internal/pgtest", "internal/bench", "internal/attack"}},
	{"github.com/jmoiron/sqlx", []string{"internal/store"}},
	{"github.com/lib/pq", []string{"internal/store", "internal/pgtest", "internal/bench", "internal/attack"}},
	{"modernc.org/sqlite", []string{"internal/store", "internal/bench", "internal/attack"}},
	{"github.com/pressly/goose", []string{"internal/store"}},
	// Both are at the end of their lives: one door each, so that they can be left.
	{"github.com/lestrrat-go/jwx", []string{"skan", "internal/auth", "forward"}},
	{"github.com/robfig/cron", []string{"internal/jobs"}},
	// Noise is drawn in one place, where its scale can be judged.
	{"github.com/google/differential-privacy", []string{"internal/noise"}},
	// What can read people's identifiers is told in few places: the store seals, the
	// configuration checks keys, the web names kinds of subjects.
	{"skand/internal/vault", []string{"internal/vault", "internal/store", "internal/config", "internal/web"}},
	// Test support does not get into the program.
	{"skand/internal/pgtest", []string{}},
	{"skand/internal/store/storetest", []string{}},
	{"github.com/stretchr/testify", []string{}},
	{"github.com/chromedp", []string{}},
}

// words says which folders may use a name of a package. Tests may use those with
// tests set.
var words = []struct {
	path  string
	names []string
	in    []string
	tests bool
	why   string
}{
	{
		"time", []string{"Now", "Since", "Until"},
		[]string{"internal/clock", "internal/bench"}, false, "take the time from an injected clock",
	},
	{
		"time", []string{"Sleep"},
		[]string{}, false, "wait for a signal or on the clock",
	},
	{
		// Addresses come from outside; safehttp checks them as it dials.
		"net/http",
		[]string{"Transport", "DefaultTransport", "DefaultClient", "Get", "Head", "Post", "PostForm"},
		[]string{"internal/safehttp", "internal/bench", "fixtures", "cmd/skand"}, true, "use internal/safehttp",
	},
	{
		// Runnable examples of the documentation print.
		"fmt", []string{"Print", "Printf", "Println"},
		[]string{}, true, "write to the writer you were given",
	},
}

const maxLines = 700

// within reports whether path is dir or below it.
func within(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, dir+"/")
}

func withinAny(path string, dirs []string) bool {
	return slices.ContainsFunc(dirs, func(dir string) bool { return within(path, dir) })
}
