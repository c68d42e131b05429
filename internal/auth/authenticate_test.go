package auth_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/auth"
	"skand/internal/clock"
	"skand/internal/store"
	"skand/internal/store/storetest"
)

var start = time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)

type bundle struct {
	now   *clock.Movable
	store *store.Store
	auth  auth.Authenticator
}

func setup(t *testing.T) *bundle {
	t.Helper()
	now := clock.NewManual(start)
	s, err := store.Open(t.Context(), store.Options{Main: storetest.New(t), Lab: store.Lab, Clock: now})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return &bundle{now: now, store: s, auth: auth.Authenticator{Store: s, Clock: now}}
}

// create keeps a token and returns its plain form and its id.
func (b *bundle) create(t *testing.T, token auth.Token) (plain, id string) {
	t.Helper()
	token.CreatedAt = b.now.Now()
	plain, kept, err := auth.New(token)
	require.NoError(t, err)
	require.NoError(t, b.store.CreateToken(t.Context(), kept))
	return plain, kept.ID
}

func TestAuthenticateKnowsItsTokens(t *testing.T) {
	t.Parallel()
	b := setup(t)
	plain, id := b.create(t, auth.Token{Name: "relay of example", Scopes: []auth.Scope{auth.ScopeRelay}})
	p, err := b.auth.Authenticate(t.Context(), plain)
	require.NoError(t, err)
	require.Equal(t, auth.Principal{ID: id, Name: "relay of example", Scopes: []auth.Scope{auth.ScopeRelay}}, p)
	require.True(t, p.Has(auth.ScopeRelay))
	require.False(t, p.Has(auth.ScopeS2S))
	require.False(t, p.May(auth.Viewer))
}

func TestAuthenticateRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	plain, _ := b.create(t, auth.Token{Name: "n", Role: auth.Viewer})
	_, err := b.auth.Authenticate(t.Context(), "")
	require.ErrorIs(t, err, auth.ErrNoToken)
	swapped := plain[:len(plain)-1] + "A"
	if swapped == plain {
		swapped = plain[:len(plain)-1] + "E"
	}
	for _, bearer := range []string{"x", "skand_", plain + "=", plain[:len(plain)-1], swapped, " " + plain} {
		_, err := b.auth.Authenticate(t.Context(), bearer)
		require.ErrorIs(t, err, auth.ErrBadToken, bearer)
	}
}

func TestAuthenticateHeedsTimeAndRevocation(t *testing.T) {
	t.Parallel()
	b := setup(t)
	brief, _ := b.create(t, auth.Token{Name: "brief", Role: auth.Viewer, ExpiresAt: start.Add(time.Hour)})
	lasting, id := b.create(t, auth.Token{Name: "lasting", Role: auth.Viewer})
	b.now.Advance(time.Hour - time.Millisecond)
	_, err := b.auth.Authenticate(t.Context(), brief)
	require.NoError(t, err)
	b.now.Advance(time.Millisecond)
	_, err = b.auth.Authenticate(t.Context(), brief)
	require.ErrorIs(t, err, auth.ErrBadToken)

	b.now.Advance(10 * 365 * 24 * time.Hour)
	_, err = b.auth.Authenticate(t.Context(), lasting)
	require.NoError(t, err)
	require.NoError(t, b.store.RevokeToken(t.Context(), id))
	_, err = b.auth.Authenticate(t.Context(), lasting)
	require.ErrorIs(t, err, auth.ErrBadToken)
}

func TestBootstrapAdmin(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, weak := range []string{"admin", "seven..", "with a blank in the middle", "ümläut-ümläut-ümläut"} {
		_, err := auth.BootstrapHash(weak)
		require.ErrorContains(t, err, "at least 8", weak)
		require.NotContains(t, err.Error(), weak)
	}
	none, err := auth.BootstrapHash("")
	require.NoError(t, err)
	require.Nil(t, none)
	_, err = b.auth.Authenticate(t.Context(), "sixteen-letters!")
	require.ErrorIs(t, err, auth.ErrBadToken)

	b.auth.BootstrapHash, err = auth.BootstrapHash("sixteen-letters!")
	require.NoError(t, err)
	p, err := b.auth.Authenticate(t.Context(), "sixteen-letters!")
	require.NoError(t, err)
	require.Equal(t, auth.Admin, p.Role)
	require.True(t, p.Has(auth.ScopeS2S) && p.Has(auth.ScopeRelay))
}

func TestAuthenticateTellsAnUnreachableStoreApart(t *testing.T) {
	t.Parallel()
	now := clock.NewManual(start)
	s, err := store.Open(t.Context(), store.Options{Main: storetest.New(t), Lab: store.Lab, Clock: now})
	require.NoError(t, err)
	plain, _, err := auth.New(auth.Token{Name: "n", Role: auth.Viewer})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	a := auth.Authenticator{Store: s, Clock: now}
	_, err = a.Authenticate(t.Context(), plain)
	require.Error(t, err)
	require.NotErrorIs(t, err, auth.ErrBadToken)
}

func TestBearer(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"Bearer skand_x": "skand_x", "bearer  skand_x ": "skand_x", "BEARER skand_x": "skand_x",
		"": "", "Bearer": "", "Bearer ": "", "Basic c2thbmQ=": "", "skand_x": "",
	} {
		require.Equal(t, want, auth.Bearer(header), header)
	}
}
