package store

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/auth"
	"skand/internal/clock"
)

var cheapHasher = auth.NewHasher(auth.Argon2{Memory: 64, Time: 1, Threads: 1})

const userPassword = "plum-anvil-harbour"

func addUser(t *testing.T, s *Store, email string, role auth.Role, apps ...int64) auth.Account {
	t.Helper()
	a, err := cheapHasher.NewAccount(auth.Account{Email: email, Role: role, Apps: apps, CreatedAt: s.clock.Now(), CreatedBy: "test"}, userPassword)
	require.NoError(t, err)
	require.NoError(t, s.CreateAccount(t.Context(), a))
	return a
}

func TestAccountsAreKept(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Store, _ *clock.Movable) {
		ctx := t.Context()
		all, admins, err := s.AccountCounts(ctx)
		require.NoError(t, err)
		require.Zero(t, all+admins)
		chief := addUser(t, s, "chief@example.com", auth.Admin)
		ben := addUser(t, s, "ben@example.com", auth.Viewer, 9, 7, 9)
		require.Equal(t, []int64{7, 9}, ben.Apps)
		for _, read := range []func() (auth.Account, error){
			func() (auth.Account, error) { return s.AccountByEmail(ctx, "ben@example.com") },
			func() (auth.Account, error) { return s.AccountByID(ctx, ben.ID) },
		} {
			got, err := read()
			require.NoError(t, err)
			require.Equal(t, ben, got)
		}
		for _, none := range []string{"", "Ben@example.com", "x", "\x00", "\xff"} {
			_, err = s.AccountByID(ctx, none)
			require.ErrorIs(t, err, auth.ErrNoAccount)
			_, err = s.AccountBySubject(ctx, none, none)
			require.ErrorIs(t, err, auth.ErrNoAccount)
		}
		twice := ben
		twice.ID = "another"
		require.ErrorIs(t, s.CreateAccount(ctx, twice), ErrEmailTaken)
		list, next, err := s.Accounts(ctx, "", 1)
		require.NoError(t, err)
		require.Equal(t, []auth.Account{ben}, list)
		list, next, err = s.Accounts(ctx, next, 1)
		require.NoError(t, err)
		require.Equal(t, []auth.Account{chief}, list)
		require.Empty(t, next)
		all, admins, err = s.AccountCounts(ctx)
		require.NoError(t, err)
		require.Equal(t, [2]int{2, 1}, [2]int{all, admins})
	})
}

func TestChangeAccount(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Store, now *clock.Movable) {
		ctx := ActingAs(t.Context(), Actor{"chief@example.com", "admin"})
		ben := addUser(t, s, "ben@example.com", auth.Viewer)
		change := func(m Match, c AccountChange) (auth.Account, error) { return s.ChangeAccount(ctx, ben.ID, m, c) }
		session := func() string {
			one := auth.Session{ID: fmt.Sprint(now.Now().UnixNano()), Hash: auth.Hash(fmt.Sprint(now.Now())), Account: ben.ID, CreatedAt: now.Now(), SeenAt: now.Now()}
			require.NoError(t, s.BeginSession(ctx, one, ben, "", auth.Lifetime{Idle: time.Hour, Absolute: time.Hour}))
			return fmt.Sprint(now.Now())
		}
		known := func(secret string) bool {
			_, _, err := s.SessionByHash(ctx, auth.Hash(secret))
			return err == nil
		}
		editor, apps, yes, no := auth.Editor, []int64{7}, true, false
		for i, c := range []AccountChange{{Role: &editor}, {Apps: &apps}, {Disabled: &yes}} {
			now.Advance(time.Second)
			secret := session()
			same, err := change(Match{Revisions: []int{i + 1}}, AccountChange{Disabled: &no})
			require.NoError(t, err)
			require.Equal(t, i+1, same.Version, "nothing has changed")
			require.True(t, known(secret))
			got, err := change(Match{Revisions: []int{i + 1}}, c)
			require.NoError(t, err)
			require.Equal(t, i+2, got.Version)
			require.Equal(t, now.Now(), got.ChangedAt)
			require.False(t, known(secret), "sessions end with the rights that they had")
		}
		ben, err := s.AccountByID(ctx, ben.ID)
		require.NoError(t, err)
		require.Equal(t, auth.Editor, ben.Role)
		require.Equal(t, []int64{7}, ben.Apps)
		require.ErrorIs(t, s.BeginSession(ctx, auth.Session{ID: "x", Hash: auth.Hash("x"), Account: ben.ID}, ben, "", auth.Lifetime{}), auth.ErrWrongPassword, "disabled")

		var stale *StaleAccount
		_, err = change(Match{Revisions: []int{1}}, AccountChange{Disabled: &no})
		require.ErrorAs(t, err, &stale)
		require.Equal(t, ben, stale.Current)
		root := auth.Role("root")
		_, err = change(Match{Any: true}, AccountChange{Role: &root})
		require.ErrorContains(t, err, "root")
		_, err = s.ChangeAccount(ctx, "nobody", Match{Any: true}, AccountChange{})
		require.ErrorIs(t, err, auth.ErrNoAccount)

		lines, _, err := s.AuditLog(ctx, AuditFilter{Action: ActUserChange}, "", 9)
		require.NoError(t, err)
		require.Len(t, lines, 3)
		require.JSONEq(t, `{"from":{"disabled":false},"to":{"disabled":true}}`, string(lines[0].Detail))
		require.JSONEq(t, `{"from":{"apps":[]},"to":{"apps":[7]}}`, string(lines[1].Detail))
		require.JSONEq(t, `{"from":{"role":"viewer"},"to":{"role":"editor"}}`, string(lines[2].Detail))
		require.Equal(t, "chief@example.com admin user ben@example.com", lines[0].Who+" "+lines[0].Role+" "+lines[0].Object)
	})
}

func TestThereIsAlwaysAnAdmin(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Store, _ *clock.Movable) {
		first, second := addUser(t, s, "first@example.com", auth.Admin), addUser(t, s, "second@example.com", auth.Admin)
		addUser(t, s, "bounded@example.com", auth.Admin, 7)
		viewer, yes, apps := auth.Viewer, true, []int64{7}
		for _, c := range []AccountChange{{Role: &viewer}, {Disabled: &yes}, {Apps: &apps}} {
			// Both at once: one of them stays, whichever comes last.
			var wait sync.WaitGroup
			errs := make([]error, 2)
			for i, a := range []auth.Account{first, second} {
				wait.Go(func() { _, errs[i] = s.ChangeAccount(t.Context(), a.ID, Match{Any: true}, c) })
			}
			wait.Wait()
			require.True(t, (errs[0] == nil) != (errs[1] == nil), "%v", errs)
			for _, err := range errs {
				if err != nil {
					require.ErrorIs(t, err, ErrLastAdmin)
				}
			}
			admin, no, all := auth.Admin, false, []int64{}
			for _, a := range []auth.Account{first, second} {
				_, err := s.ChangeAccount(t.Context(), a.ID, Match{Any: true}, AccountChange{Role: &admin, Disabled: &no, Apps: &all})
				require.NoError(t, err)
			}
		}
	})
}

func TestSetPassword(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Store, _ *clock.Movable) {
		ctx := t.Context()
		ben := addUser(t, s, "ben@example.com", auth.Viewer)
		one := auth.Session{ID: "s", Hash: auth.Hash("s"), Account: ben.ID, CreatedAt: start, SeenAt: start}
		l := auth.Lifetime{Idle: time.Hour, Absolute: time.Hour}
		require.NoError(t, s.BeginSession(ctx, one, ben, "", l))
		_, err := s.SetPassword(ctx, ben.ID, "another")
		require.NoError(t, err)
		_, _, err = s.SessionByHash(ctx, one.Hash)
		require.ErrorIs(t, err, auth.ErrNoSession)
		require.ErrorIs(t, s.BeginSession(ctx, one, ben, "", l), auth.ErrWrongPassword, "checked against the one before")
		require.ErrorIs(t, s.ChangePassword(ctx, ben, "third"), auth.ErrWrongPassword)
		now, err := s.AccountByID(ctx, ben.ID)
		require.NoError(t, err)
		require.Equal(t, "another", now.Password)
		require.Equal(t, 2, now.Version)
		_, err = s.SetPassword(ctx, "nobody", "x")
		require.ErrorIs(t, err, auth.ErrNoAccount)
		lines, _, err := s.AuditLog(ctx, AuditFilter{Action: ActUserPassword}, "", 9)
		require.NoError(t, err)
		require.Len(t, lines, 1)
		require.NotContains(t, string(lines[0].Detail), "another")
	})
}

// Two first sign-ins at once make one account.
func TestProvisionIsOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Store, _ *clock.Movable) {
		const n = 6
		got := make([]auth.Account, n)
		errs := make([]error, n)
		var wait sync.WaitGroup
		for i := range n {
			wait.Go(func() {
				got[i], errs[i] = s.Provision(t.Context(), auth.Account{
					ID: fmt.Sprint("id", i), Email: "ben@example.com", Role: auth.Viewer, Issuer: "https://i", Subject: "ben-1",
					Version: 1, CreatedAt: start, ChangedAt: start, CreatedBy: "openid",
				})
			})
		}
		wait.Wait()
		for i := range n {
			require.NoError(t, errs[i])
			require.Equal(t, got[0].ID, got[i].ID)
		}
		_, err := s.Provision(t.Context(), auth.Account{
			ID: "x", Email: "ben@example.com", Role: auth.Admin, Issuer: "https://i", Subject: "eve-1", Version: 1, CreatedBy: "openid",
		})
		require.ErrorIs(t, err, auth.ErrRefused)
		lines, _, err := s.AuditLog(t.Context(), AuditFilter{Action: ActUserCreate}, "", 9)
		require.NoError(t, err)
		require.Len(t, lines, 1)
	})
}
