package store

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/internal/clock"
	"skand/internal/pgtest"
)

// BenchmarkPostbacksWanted is what asking for destinations of postbacks adds to a
// statement of the receiver, whatever its size, where nobody takes copies: the same
// statement with and without. One operation is one statement.
func BenchmarkPostbacksWanted(b *testing.B) {
	for _, name := range []string{"postgres", "sqlite"} {
		location := "sqlite:" + filepath.Join(b.TempDir(), "main")
		if name == "postgres" {
			location = pgtest.URL(b)
		}
		s, err := Open(b.Context(), Options{Main: location, Clock: clock.NewManual(start)})
		require.NoError(b, err)
		for what, text := range map[string]string{"without": `SELECT 1`, "with": `SELECT 1 WHERE NOT ` + postbacksWanted} {
			b.Run(name+"/"+what, func(b *testing.B) {
				stmt, err := s.main.r.PreparexContext(b.Context(), text)
				require.NoError(b, err)
				defer func() { require.NoError(b, stmt.Close()) }()
				for b.Loop() {
					var one int
					if err := stmt.GetContext(b.Context(), &one); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		require.NoError(b, s.Close())
	}
}
