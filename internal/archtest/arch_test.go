package archtest

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const root = "../.."

func TestRepositoryHoldsTheRules(t *testing.T) {
	t.Parallel()
	sources := repository(t)
	require.Greater(t, len(sources), 20, "the walk must find the code")
	for _, s := range sources {
		broken, err := check(s)
		require.NoError(t, err)
		for _, b := range broken {
			t.Error(b)
		}
	}
}

// repository reads every Go file, also those of other platforms and build tags.
func repository(t *testing.T) []source {
	t.Helper()
	skip := []string{".git", "bin", "testdata", "vendor", "node_modules"}
	var list []source
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains(skip, d.Name()):
			return filepath.SkipDir
		case d.IsDir() || filepath.Ext(name) != ".go":
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		list = append(list, source{file: filepath.ToSlash(rel), text: string(text)})
		return nil
	})
	require.NoError(t, err)
	return list
}

func TestRulesFindViolations(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		file, text, want string
	}{
		"against the arrows": {"skan/a.go", `import _ "skand/schema"`, "against the arrows"},
		"up the stream":      {"conversion/a.go", `import _ "skand/forward"`, "against the arrows"},
		"domain and store":   {"aggregate/a.go", `import _ "skand/internal/store"`, "against the arrows"},
		"domain test, store": {"forward/a_test.go", `import _ "skand/internal/store"`, "against the arrows"},
		"domain and web":     {"forward/a.go", `import _ "skand/internal/web"`, "against the arrows"},
		"below a domain":     {"schema/deep/a.go", `import _ "skand/internal/jobs"`, "against the arrows"},
		"sql in web":         {"internal/web/a.go", `import _ "database/sql"`, "only internal/store"},
		"sqlx in a test":     {"cmd/skand/a_test.go", `import _ "github.com/jmoiron/sqlx"`, "only internal/store"},
		"goose version":      {"cmd/skand/a.go", `import _ "github.com/pressly/goose/v3/lock"`, "only internal/store"},
		"jwx in web":         {"internal/web/a.go", `import _ "github.com/lestrrat-go/jwx/v2/jws"`, "only skan"},
		"cron in config":     {"internal/config/a.go", `import _ "github.com/robfig/cron/v3"`, "only internal/jobs"},
		"noise in a domain":  {"aggregate/a.go", `import _ "github.com/google/differential-privacy/go/v3/noise"`, "only internal/noise"},
		"our noise, domain":  {"aggregate/a.go", `import _ "skand/internal/noise"`, "against the arrows"},
		"vault in commands":  {"cmd/skand/a.go", `import _ "skand/internal/vault"`, "only internal/vault"},
		"pgtest in program":  {"cmd/skand/a.go", `import _ "skand/internal/pgtest"`, "only tests may"},
		"testify in program": {"skan/a.go", `import _ "github.com/stretchr/testify/require"`, "only tests may"},
		"time.Now":           {"forward/a.go", `import "time"; var t = time.Now()`, "injected clock"},
		"time.Now in a test": {"forward/a_test.go", `import "time"; var t = time.Now()`, "injected clock"},
		"renamed import":     {"forward/a.go", `import x "time"; var f = x.Since`, "injected clock"},
		"sleep in a test":    {"internal/web/a_test.go", `import "time"; func f() { time.Sleep(1) }`, "wait for"},
		"own transport":      {"forward/a.go", `import "net/http"; var t = &http.Transport{}`, "internal/safehttp"},
		"default client":     {"internal/web/a.go", `import "net/http"; var c = http.DefaultClient`, "internal/safehttp"},
		"print":              {"schema/a.go", `import "fmt"; func f() { fmt.Println() }`, "writer you were given"},
		"long":               {"schema/a.go", strings.Repeat("\n", 701), "split it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			broken, err := check(source{test.file, "package p\n" + test.text})
			require.NoError(t, err)
			require.Len(t, broken, 1)
			require.Contains(t, broken[0], test.want)
		})
	}
}

func TestRulesAllow(t *testing.T) {
	t.Parallel()
	for file, text := range map[string]string{
		"forward/a.go":            `import (_ "skand/aggregate"; _ "skand/internal/clock"; _ "github.com/lestrrat-go/jwx/v2/jwt")`,
		"skan/a_test.go":          `import (_ "skand/fixtures/apple"; _ "skand/skan"; _ "github.com/stretchr/testify/require")`,
		"conversion/deep/a.go":    `import (_ "skand/conversion"; _ "skand/skan")`,
		"internal/store/a.go":     `import (_ "database/sql"; _ "skand/forward"; _ "github.com/lib/pq")`,
		"internal/clock/a.go":     `import "time"; var t = time.Now()`,
		"internal/web/a_test.go":  `import ("net/http"; _ "skand/internal/pgtest"); var c = http.DefaultClient`,
		"fixtures/traffic/a.go":   `import "net/http"; var c = http.DefaultClient`,
		"internal/safehttp/a.go":  `import "net/http"; var t = &http.Transport{}`,
		"internal/web/a.go":       `type clock struct{ Now int }; var time clock; var n = time.Now`,
		"internal/jobs/a_test.go": `import (_ "skand/internal/store"; _ "github.com/robfig/cron/v3")`,
	} {
		broken, err := check(source{file, "package p\n" + text})
		require.NoError(t, err)
		require.Empty(t, broken)
	}
}
