package storetest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"skand/internal/store"
	"skand/internal/store/storetest"
)

// TestNewIsUndecided: a copy may still become a lab or not, and each is its own.
func TestNewIsUndecided(t *testing.T) {
	t.Parallel()
	for mode, want := range map[store.LabMode]bool{store.Lab: true, store.Production: false, store.AsIs: false} {
		place := storetest.New(t)
		x := store.Examine(t.Context(), store.Options{Main: place})
		require.Equal(t, x.Main.Newest, x.Main.Version)
		require.Equal(t, x.Published.Newest, x.Published.Version)
		s, err := store.Open(t.Context(), store.Options{Main: place, Lab: mode})
		require.NoError(t, err)
		lab, _ := s.Lab()
		require.Equal(t, want, lab)
		require.NoError(t, s.Ready(t.Context()))
		require.NoError(t, s.Close())
	}
}
