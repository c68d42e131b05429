package auth_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/internal/auth"
)

func TestNormaliseEmail(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"anna@example.com": "anna@example.com", " Anna.B+x@Example.COM\n": "anna.b+x@example.com", "a@localhost": "a@localhost",
	} {
		got, err := auth.NormaliseEmail(raw)
		require.NoError(t, err, raw)
		require.Equal(t, want, got)
		again, err := auth.NormaliseEmail(got)
		require.NoError(t, err)
		require.Equal(t, got, again)
	}
	for _, raw := range []string{
		"", "anna", "@example.com", "anna@", "a@b@c", "a b@example.com", "a@.com", "a@com.", "a,b@example.com", `"a"@example.com`,
		"mi\u212ae@example.com",                      // the Kelvin sign, whose lower case is k
		"anna@ex\u0430mple.com",                      // a Cyrillic a
		strings.Repeat("a", 250) + "@example.com",    // too long
		"anna@example.com\x00", "<anna@example.com>", // as headers have it
		"anna@example.com\r\nBcc: everybody@else.org.", // as attackers have it
	} {
		_, err := auth.NormaliseEmail(raw)
		require.Error(t, err, "%q", raw)
	}
}

func TestAppsAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	for list, want := range map[string][]int64{"": nil, "7": {7}, "525463029,7,7": {7, 525463029}} {
		got, err := auth.ParseApps(list)
		require.NoError(t, err)
		require.Equal(t, want, got)
		again, err := auth.ParseApps(auth.FormatApps(got))
		require.NoError(t, err)
		require.Equal(t, want, again)
	}
	for _, list := range []string{",", "0", "-1", "7,", "7 8", "seven", "7;8", "99999999999999999999"} {
		got, err := auth.ParseApps(list)
		require.Error(t, err, list)
		require.Nil(t, got, "a grant that can't be read must not become every app")
	}
	_, err := auth.ParseApps(strings.TrimSuffix(strings.Repeat("7,", 400)+strings.Repeat("8,", 400), ","))
	require.NoError(t, err, "twice is once")
}

func TestPrincipalMayOnlyItsApps(t *testing.T) {
	t.Parallel()
	everything := auth.Principal{Role: auth.Viewer}
	require.False(t, everything.Restricted())
	require.True(t, everything.MayApp(7))
	some := auth.Principal{Role: auth.Admin, Apps: []int64{7}}
	require.True(t, some.Restricted())
	require.True(t, some.MayApp(7))
	require.False(t, some.MayApp(8))
	require.False(t, auth.Principal{Apps: []int64{}}.MayApp(7))
}

func TestTokensOfSomeApps(t *testing.T) {
	t.Parallel()
	_, token, err := auth.New(auth.Token{Name: "n", Role: auth.Viewer, Apps: []int64{9, 7, 9}})
	require.NoError(t, err)
	require.Equal(t, []int64{7, 9}, token.Apps)
	_, token, err = auth.New(auth.Token{Name: "n", Scopes: []auth.Scope{auth.ScopeS2S}, Apps: []int64{7}})
	require.NoError(t, err)
	require.Equal(t, []int64{7}, token.Apps)
	_, _, err = auth.New(auth.Token{Name: "n", Role: auth.Viewer, Apps: []int64{0}})
	require.ErrorContains(t, err, "app 0")
	_, _, err = auth.New(auth.Token{Name: "n", Scopes: []auth.Scope{auth.ScopeRelay}, Apps: []int64{7}})
	require.ErrorContains(t, err, "a relay is not of single apps")
}
