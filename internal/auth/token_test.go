package auth_test

import (
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/internal/auth"
)

func TestNewMakesATokenThatIsNotKept(t *testing.T) {
	t.Parallel()
	want := auth.Token{Name: " ci ", Role: auth.Editor, Scopes: []auth.Scope{auth.ScopeS2S}, CreatedBy: "anna"}
	plain, kept, err := auth.New(want)
	require.NoError(t, err)
	require.Regexp(t, `^skand_[A-Za-z0-9_-]{43}$`, plain)
	sum := sha256.Sum256([]byte(plain))
	require.Equal(t, sum[:], kept.Hash)
	require.Equal(t, "ci", kept.Name)
	require.Equal(t, "anna", kept.CreatedBy)
	require.NotEmpty(t, kept.ID)

	other, otherKept, err := auth.New(want)
	require.NoError(t, err)
	require.NotEqual(t, plain, other)
	require.NotEqual(t, kept.ID, otherKept.ID)
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for want, token := range map[string]auth.Token{
		"name":                    {Name: "  ", Role: auth.Admin},
		"1 to 100":                {Name: strings.Repeat("n", 101), Role: auth.Admin},
		`role "root"`:             {Name: "n", Role: "root"},
		"neither a role nor":      {Name: "n"},
		`scope "everything": no `: {Name: "n", Scopes: []auth.Scope{"everything"}},
	} {
		_, _, err := auth.New(token)
		require.ErrorContains(t, err, want)
	}
}

func TestRolesAreOrdered(t *testing.T) {
	t.Parallel()
	order := []auth.Role{auth.RoleNone, auth.Viewer, auth.Editor, auth.Operator, auth.Admin}
	for i, have := range order {
		for j, need := range order {
			require.Equal(t, i >= j, have.Covers(need), "%q covers %q", have, need)
		}
		require.False(t, have.Covers("root"))
		require.False(t, auth.Role("root").Covers(have))
	}
}

func TestParseRole(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]auth.Role{"none": auth.RoleNone, "viewer": auth.Viewer, "admin": auth.Admin} {
		got, err := auth.ParseRole(name)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, name := range []string{"", "Admin", "root", " viewer"} {
		_, err := auth.ParseRole(name)
		require.ErrorContains(t, err, "want none, viewer", name)
	}
}

func TestParseScopes(t *testing.T) {
	t.Parallel()
	for list, want := range map[string][]auth.Scope{
		"":                 {},
		"relay":            {auth.ScopeRelay},
		"s2s, relay,relay": {auth.ScopeRelay, auth.ScopeS2S},
	} {
		got, err := auth.ParseScopes(list)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	_, err := auth.ParseScopes("relay,all")
	require.ErrorContains(t, err, `"all"`)
}
