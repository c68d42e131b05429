package auth_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/auth"
	"skand/internal/store"
)

var (
	cheap = auth.Argon2{Memory: 64, Time: 1, Threads: 1}
	home  = auth.From{Client: "198.51.100.0/24", Agent: "Firefox"}
	away  = auth.From{Client: "203.0.113.0/24", Agent: "curl"}
)

const (
	anna     = "anna@example.com"
	password = "plum-anvil-harbour"
)

// sessions are those of a bundle's store, with one account.
func (b *bundle) sessions(t *testing.T) (*auth.Sessions, auth.Account) {
	t.Helper()
	s := &auth.Sessions{
		Store: b.store, Clock: b.now, Hasher: auth.NewHasher(cheap),
		Lifetime: auth.Lifetime{Idle: 12 * time.Hour, Absolute: 7 * 24 * time.Hour},
	}
	return s, b.account(t, s, auth.Account{Email: anna, Role: auth.Editor, Apps: []int64{7}})
}

func (b *bundle) account(t *testing.T, s *auth.Sessions, a auth.Account) auth.Account {
	t.Helper()
	a.CreatedAt, a.CreatedBy = b.now.Now(), "test"
	made, err := s.Hasher.NewAccount(a, password)
	require.NoError(t, err)
	require.NoError(t, b.store.CreateAccount(t.Context(), made))
	return made
}

func TestSignInAndOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s, a := b.sessions(t)
	secret, who, err := s.SignIn(t.Context(), " Anna@Example.com ", password, home)
	require.NoError(t, err)
	require.Equal(t, a.ID, who.ID)
	require.Regexp(t, `^[A-Za-z0-9_-]{43}$`, secret)

	p, err := s.Known(t.Context(), secret)
	require.NoError(t, err)
	require.Equal(t, auth.Principal{ID: a.ID, Name: anna, Role: auth.Editor, Apps: []int64{7}, User: a.ID, Session: p.Session}, p)
	list, err := b.store.Sessions(t.Context(), a.ID, s.Lifetime)
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, auth.Session{
		ID: p.Session, Hash: auth.Hash(secret), Account: a.ID, CreatedAt: start, SeenAt: start, Method: auth.MethodPassword,
		Client: home.Client, Agent: home.Agent,
	}, list[0])
	require.NotContains(t, fmt.Sprintf("%+v", list), secret)

	require.NoError(t, s.SignOut(t.Context(), p))
	_, err = s.Known(t.Context(), secret)
	require.ErrorIs(t, err, auth.ErrNoSession)
	require.ErrorIs(t, s.SignOut(t.Context(), p), auth.ErrNoSession)
	for _, guess := range []string{"", "x", secret + "=", secret[:42] + "!"} {
		_, err = s.Known(t.Context(), guess)
		require.ErrorIs(t, err, auth.ErrNoSession, guess)
	}
}

// Whatever is wrong, the answer is one.
func TestSignInTellsNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s, a := b.sessions(t)
	gone := b.account(t, s, auth.Account{Email: "gone@example.com", Role: auth.Admin})
	yes := true
	_, err := b.store.ChangeAccount(t.Context(), gone.ID, store.Match{Any: true}, store.AccountChange{Disabled: &yes})
	require.ErrorIs(t, err, store.ErrLastAdmin)
	b.account(t, s, auth.Account{Email: "chief@example.com", Role: auth.Admin})
	_, err = b.store.ChangeAccount(t.Context(), gone.ID, store.Match{Any: true}, store.AccountChange{Disabled: &yes})
	require.NoError(t, err)
	only := auth.Account{Email: "openid@example.com", Role: auth.Viewer, CreatedAt: start, CreatedBy: "test"}
	only, err = s.Hasher.NewAccount(only, "")
	require.NoError(t, err)
	require.NoError(t, b.store.CreateAccount(t.Context(), only))

	for i, try := range []struct{ email, password string }{
		{anna, "another password"}, {"nobody@example.com", password}, {"gone@example.com", password}, {"openid@example.com", password},
		{"openid@example.com", ""}, {"no address", password}, {"", ""}, {anna + "\x00", password}, {anna, password + "\x00"},
	} {
		from := auth.From{Client: fmt.Sprintf("192.0.%d.0/24", i)}
		secret, who, err := s.SignIn(t.Context(), try.email, try.password, from)
		require.Equal(t, auth.ErrWrongPassword, err, "%q", try.email)
		require.Empty(t, secret)
		require.Zero(t, who)
	}
	list, err := b.store.Sessions(t.Context(), a.ID, s.Lifetime)
	require.NoError(t, err)
	require.Empty(t, list)
	lines, _, err := b.store.AuditLog(t.Context(), store.AuditFilter{Action: store.ActSignInFailed}, "", 100)
	require.NoError(t, err)
	require.Len(t, lines, 9)
	for _, line := range lines {
		require.NotContains(t, fmt.Sprintf("%s %s", line.Object, line.Detail), password)
		require.NotContains(t, line.Object, "nobody@", "what nobody is called is not told")
	}
}

func TestSessionsEndByThemselves(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s, a := b.sessions(t)
	idle, _, err := s.SignIn(t.Context(), anna, password, home)
	require.NoError(t, err)
	used, _, err := s.SignIn(t.Context(), anna, password, home)
	require.NoError(t, err)
	for range 7*2*2 - 1 {
		b.now.Advance(6 * time.Hour)
		_, err = s.Known(t.Context(), used)
		require.NoError(t, err)
	}
	_, err = s.Known(t.Context(), idle)
	require.ErrorIs(t, err, auth.ErrNoSession, "unused")
	list, err := b.store.Sessions(t.Context(), a.ID, s.Lifetime)
	require.NoError(t, err)
	require.Len(t, list, 1)
	b.now.Advance(6 * time.Hour)
	_, err = s.Known(t.Context(), used)
	require.ErrorIs(t, err, auth.ErrNoSession, "a week old, however much it was used")
}

// A look is no write: the last use is kept some minutes coarse.
func TestSessionIsSeenNowAndThen(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s, a := b.sessions(t)
	secret, _, err := s.SignIn(t.Context(), anna, password, home)
	require.NoError(t, err)
	seen := func() time.Time {
		_, err := s.Known(t.Context(), secret)
		require.NoError(t, err)
		list, err := b.store.Sessions(t.Context(), a.ID, s.Lifetime)
		require.NoError(t, err)
		return list[0].SeenAt
	}
	b.now.Advance(4 * time.Minute)
	require.Equal(t, start, seen())
	b.now.Advance(time.Minute)
	require.Equal(t, start.Add(5*time.Minute), seen())
}

func TestPasswordIsRehashedAtSignIn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s, a := b.sessions(t)
	s.Hasher = auth.NewHasher(auth.Argon2{Memory: 96, Time: 2, Threads: 1})
	_, _, err := s.SignIn(t.Context(), anna, "another password", home)
	require.ErrorIs(t, err, auth.ErrWrongPassword)
	now, err := b.store.AccountByEmail(t.Context(), anna)
	require.NoError(t, err)
	require.Equal(t, a.Password, now.Password)
	for range 2 {
		_, _, err = s.SignIn(t.Context(), anna, password, home)
		require.NoError(t, err)
		now, err = b.store.AccountByEmail(t.Context(), anna)
		require.NoError(t, err)
		require.Contains(t, now.Password, "$m=96,t=2,p=1$")
	}
}

func TestChangePasswordEndsAllOtherSessions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s, _ := b.sessions(t)
	other, _, err := s.SignIn(t.Context(), anna, password, away)
	require.NoError(t, err)
	secret, _, err := s.SignIn(t.Context(), anna, password, home)
	require.NoError(t, err)
	p, err := s.Known(t.Context(), secret)
	require.NoError(t, err)

	_, err = s.ChangePassword(t.Context(), p, "another password", "harbour-anvil-plum", home)
	require.ErrorIs(t, err, auth.ErrWrongPassword)
	var bad *auth.BadPassword
	_, err = s.ChangePassword(t.Context(), p, password, "short", home)
	require.ErrorAs(t, err, &bad)
	_, err = s.Known(t.Context(), other)
	require.NoError(t, err, "nothing was changed")

	renewed, err := s.ChangePassword(t.Context(), p, password, "harbour-anvil-plum", home)
	require.NoError(t, err)
	for _, old := range []string{secret, other} {
		_, err = s.Known(t.Context(), old)
		require.ErrorIs(t, err, auth.ErrNoSession)
	}
	_, err = s.Known(t.Context(), renewed)
	require.NoError(t, err)
	_, _, err = s.SignIn(t.Context(), anna, password, home)
	require.ErrorIs(t, err, auth.ErrWrongPassword)
	_, _, err = s.SignIn(t.Context(), anna, "harbour-anvil-plum", home)
	require.NoError(t, err)
}

func TestAttemptsAreLimited(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s, _ := b.sessions(t)
	_, _, err := s.SignIn(t.Context(), anna, password, home) // from now on home is familiar
	require.NoError(t, err)

	var many *auth.TooMany
	for i := range 10 {
		from := auth.From{Client: fmt.Sprintf("192.0.%d.0/24", i)} // from everywhere
		_, _, err := s.SignIn(t.Context(), anna, "guess", from)
		require.ErrorIs(t, err, auth.ErrWrongPassword)
	}
	_, _, err = s.SignIn(t.Context(), anna, password, away)
	require.ErrorAs(t, err, &many, "not even with the right one: it would tell that it is")
	require.Equal(t, 2*time.Minute, many.After)
	require.EqualError(t, many, "too many attempts to sign in; try again in 2 minutes")
	_, _, err = s.SignIn(t.Context(), anna, password, home)
	require.NoError(t, err, "who guesses elsewhere does not lock the owner out")

	// The same for an account that there isn't.
	for i := range 10 {
		_, _, err := s.SignIn(t.Context(), "nobody@example.com", "guess", auth.From{Client: fmt.Sprintf("192.1.%d.0/24", i)})
		require.ErrorIs(t, err, auth.ErrWrongPassword)
	}
	_, _, err = s.SignIn(t.Context(), "nobody@example.com", "guess", away)
	require.ErrorAs(t, err, &many)

	b.now.Advance(2 * time.Minute)
	_, _, err = s.SignIn(t.Context(), anna, password, away)
	require.NoError(t, err, "nobody is locked out for ever")
}

func TestNetworkIsLimited(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s, _ := b.sessions(t)
	for i := range 30 {
		_, _, err := s.SignIn(t.Context(), fmt.Sprintf("user%d@example.com", i), "guess", away)
		require.ErrorIs(t, err, auth.ErrWrongPassword)
	}
	var many *auth.TooMany
	_, _, err := s.SignIn(t.Context(), anna, password, away)
	require.ErrorAs(t, err, &many)
	require.Equal(t, 10*time.Second, many.After)
	_, _, err = s.SignIn(t.Context(), anna, password, home)
	require.NoError(t, err, "elsewhere all is well")
	b.now.Advance(10 * time.Second)
	_, _, err = s.SignIn(t.Context(), anna, password, away)
	require.NoError(t, err)
	require.Equal(t, "too many attempts to sign in; try again in 3 seconds", (&auth.TooMany{After: 2100 * time.Millisecond}).Error())
}
