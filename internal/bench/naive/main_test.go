package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/skan"
)

func TestNaiveAnswers(t *testing.T) {
	t.Parallel()
	sample, err := os.ReadFile("../../../fixtures/postbacks/skan40_web_fine_apple.json")
	require.NoError(t, err)
	db, stmt, err := open(t.Context(), "sqlite:"+t.TempDir(), 1)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	s := &server{verifier: skan.NewVerifier(skan.AppleKeys()), insert: stmt}
	post := func(body []byte) (int, string) {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body)))
		return w.Code, w.Body.String()
	}
	for _, want := range []string{"accepted", "duplicate"} {
		code, text := post(sample)
		require.Equal(t, http.StatusOK, code)
		require.Contains(t, text, want)
	}
	code, _ := post(bytes.Replace(sample, []byte("5239"), []byte("5240"), 1))
	require.Equal(t, http.StatusForbidden, code)
	code, _ = post([]byte("{"))
	require.Equal(t, http.StatusBadRequest, code)

	s.insert = nil
	code, text := post(sample)
	require.Equal(t, http.StatusOK, code)
	require.Contains(t, text, "accepted", "without a store everything is new")
}
