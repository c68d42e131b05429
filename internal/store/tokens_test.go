package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/auth"
	"skand/internal/clock"
)

func TestTokensAreKept(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Store, now *clock.Movable) {
		ctx := t.Context()
		_, full, err := auth.New(auth.Token{
			Name: "full", Role: auth.Operator, Scopes: []auth.Scope{auth.ScopeRelay, auth.ScopeS2S},
			CreatedAt: start, CreatedBy: "anna", ExpiresAt: start.Add(time.Hour),
		})
		require.NoError(t, err)
		_, bare, err := auth.New(auth.Token{
			Name: "bare", Scopes: []auth.Scope{auth.ScopeS2S}, CreatedAt: start.Add(time.Second), CreatedBy: "cli",
		})
		require.NoError(t, err)
		require.NoError(t, s.CreateToken(ctx, full))
		require.NoError(t, s.CreateToken(ctx, bare))
		require.Error(t, s.CreateToken(ctx, full), "a hash is there once")

		list, err := s.Tokens(ctx)
		require.NoError(t, err)
		require.Equal(t, []auth.Token{full, bare}, list)
		got, err := s.TokenByHash(ctx, bare.Hash)
		require.NoError(t, err)
		require.Equal(t, bare, got)
		_, err = s.TokenByHash(ctx, auth.Hash("another"))
		require.ErrorIs(t, err, auth.ErrBadToken)
	})
}

func TestTokenIsRevokedOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Store, now *clock.Movable) {
		ctx := t.Context()
		_, token, err := auth.New(auth.Token{Name: "n", Role: auth.Viewer, CreatedAt: start, CreatedBy: "cli"})
		require.NoError(t, err)
		require.NoError(t, s.CreateToken(ctx, token))
		now.Advance(time.Minute)
		require.NoError(t, s.RevokeToken(ctx, token.ID))
		now.Advance(time.Minute)
		require.NoError(t, s.RevokeToken(ctx, token.ID))
		got, err := s.TokenByHash(ctx, token.Hash)
		require.NoError(t, err)
		require.Equal(t, start.Add(time.Minute), got.RevokedAt)
		require.ErrorIs(t, s.RevokeToken(ctx, "nobody"), ErrNoSuchToken)
	})
}
