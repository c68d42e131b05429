package store

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/auth"
	"skand/internal/clock"
)

var someDays = auth.Lifetime{Idle: 24 * time.Hour, Absolute: 72 * time.Hour}

func TestSessionsAreKept(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Store, now *clock.Movable) {
		ctx := t.Context()
		ben, eve := addUser(t, s, "ben@example.com", auth.Viewer, 7), addUser(t, s, "eve@example.com", auth.Viewer)
		begin := func(id string, a auth.Account) auth.Session {
			one := auth.Session{
				ID: id, Hash: auth.Hash(id), Account: a.ID, CreatedAt: now.Now(), SeenAt: now.Now(),
				Method: auth.MethodPassword, Client: "198.51.100.0/24", Agent: "Firefox",
			}
			require.NoError(t, s.BeginSession(ctx, one, a, "", someDays))
			return one
		}
		first := begin("first", ben)
		now.Advance(time.Hour)
		second, other := begin("second", ben), begin("other", eve)
		got, who, err := s.SessionByHash(ctx, first.Hash)
		require.NoError(t, err)
		require.Equal(t, first, got)
		ben.SignedInAt = second.CreatedAt
		require.Equal(t, ben, who)

		require.NoError(t, s.SeeSession(ctx, "first", now.Now().Add(time.Minute)))
		require.NoError(t, s.SeeSession(ctx, "first", now.Now()), "an older look comes late")
		first.SeenAt = now.Now().Add(time.Minute)
		list, err := s.Sessions(ctx, ben.ID, someDays)
		require.NoError(t, err)
		require.Equal(t, []auth.Session{first, second}, list)

		require.ErrorIs(t, s.EndSession(ctx, ben, "other"), auth.ErrNoSession, "of somebody else")
		require.NoError(t, s.EndSession(ctx, ben, "first"))
		require.ErrorIs(t, s.EndSession(ctx, ben, "first"), auth.ErrNoSession)
		require.ErrorIs(t, s.EndSession(ctx, ben, "\x00"), auth.ErrNoSession)
		begin("third", ben)
		n, err := s.EndSessions(ctx, ben, "third")
		require.NoError(t, err)
		require.EqualValues(t, 1, n)
		list, err = s.Sessions(ctx, ben.ID, someDays)
		require.NoError(t, err)
		require.Len(t, list, 1)
		_, _, err = s.SessionByHash(ctx, other.Hash)
		require.NoError(t, err)

		now.Advance(someDays.Idle)
		begin("much later", eve)
		for _, hash := range [][]byte{other.Hash, auth.Hash("third")} {
			_, _, err = s.SessionByHash(ctx, hash)
			require.ErrorIs(t, err, auth.ErrNoSession, "swept")
		}
	})
}

// Attempts are counted once however many processes count.
func TestAttemptsAreCountedTogether(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Store, now *clock.Movable) {
		ctx := t.Context()
		a := auth.Allowance{Burst: 5, Every: time.Minute}
		b := auth.Bucket{1}
		waits := make([]time.Duration, 40)
		var wait sync.WaitGroup
		for i := range waits {
			wait.Go(func() {
				var err error
				waits[i], err = s.SpendAttempt(ctx, b, a)
				if err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		free := 0
		for _, w := range waits {
			if w == 0 {
				free++
				continue
			}
			require.Equal(t, time.Minute, w)
		}
		require.Equal(t, 5, free)
		spend := func() time.Duration {
			w, err := s.SpendAttempt(ctx, b, a)
			require.NoError(t, err)
			return w
		}
		now.Advance(30 * time.Second)
		require.Equal(t, 30*time.Second, spend())
		now.Advance(30 * time.Second)
		require.Zero(t, spend())
		require.Equal(t, time.Minute, spend())
		require.NoError(t, s.ReturnAttempt(ctx, b, a, 0))
		require.Zero(t, spend())
		w, err := s.SpendAttempt(ctx, auth.Bucket{2}, a)
		require.NoError(t, err)
		require.Zero(t, w, "everybody has an own bucket")
		now.Advance(-365 * 24 * time.Hour)
		require.LessOrEqual(t, spend(), 5*time.Minute, "a lab's clock that is set back locks nobody out for long")
		now.Advance(366 * 24 * time.Hour)
		for range 5 {
			require.Zero(t, spend(), "it is full again")
		}
		require.NotZero(t, spend())
	})
}

func TestFamiliarNetworks(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Store, now *clock.Movable) {
		ctx := t.Context()
		a, b := auth.Allowance{Burst: 2, Every: time.Minute}, auth.Bucket{1}
		known := func() bool {
			ok, err := s.Familiar(ctx, b)
			require.NoError(t, err)
			return ok
		}
		require.False(t, known())
		require.NoError(t, s.ReturnAttempt(ctx, b, a, 24*time.Hour))
		require.True(t, known())
		for i := range 3 {
			w, err := s.SpendAttempt(ctx, b, a)
			require.NoError(t, err)
			require.Equal(t, i == 2, w > 0)
		}
		require.True(t, known(), "spent, and still familiar")
		now.Advance(24 * time.Hour)
		require.False(t, known())
		require.NoError(t, s.SignInFailed(ctx, auth.Account{}, auth.MethodPassword, "", "unknown"))
		var left int
		require.NoError(t, s.main.r.GetContext(ctx, &left, `SELECT COUNT(*) FROM sign_in_limit`))
		require.Zero(t, left, "what says nothing any more is forgotten")
	})
}

func TestTokensKeepTheirApps(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Store, _ *clock.Movable) {
		_, token, err := auth.New(auth.Token{Name: "n", Role: auth.Viewer, Apps: []int64{9, 7}, CreatedAt: start, CreatedBy: "test"})
		require.NoError(t, err)
		require.NoError(t, s.CreateToken(t.Context(), token))
		got, err := s.TokenByHash(t.Context(), token.Hash)
		require.NoError(t, err)
		require.Equal(t, []int64{7, 9}, got.Apps)
		_, err = s.main.w.ExecContext(t.Context(), `UPDATE token SET apps = 'x'`)
		require.NoError(t, err)
		_, err = s.TokenByHash(t.Context(), token.Hash)
		require.Error(t, err, "a grant that can't be read opens nothing")
		lines, _, err := s.AuditLog(t.Context(), AuditFilter{Action: ActTokenCreate}, "", 9)
		require.NoError(t, err)
		require.Contains(t, string(lines[0].Detail), `"apps":[7,9]`)
	})
}
