package config

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryFieldHasAKey(t *testing.T) {
	t.Parallel()
	c := Defaults()
	seen := map[string]bool{}
	for _, f := range fields(&c) {
		require.NotEmpty(t, f.doc, f.key)
		require.False(t, seen[f.key], f.key)
		require.NoError(t, f.set(f.get()), f.key)
		seen[f.key] = true
	}
	require.Equal(t, Defaults(), c, "setting what was got changes nothing")
	require.Len(t, seen, leaves(reflect.ValueOf(c)))
}

// leaves counts what can be set; secrets come from the environment only.
func leaves(v reflect.Value) int {
	switch {
	case v.Type() == reflect.TypeFor[Secret]():
		return 0
	case v.Kind() == reflect.Map:
		return v.Len()
	case v.Kind() == reflect.Struct:
		n := 0
		for i := range v.NumField() {
			n += leaves(v.Field(i))
		}
		return n
	}
	return 1
}
