package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"skand/internal/safehttp"
)

// TestOutgoingReadsTheListAgain: what another process has allowed a moment ago is
// dialed, with its body whole; what nobody has allowed is refused after one more look.
func TestOutgoingReadsTheListAgain(t *testing.T) {
	t.Parallel()
	heard := make(chan string, 9)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		heard <- r.Method + " " + string(body)
	}))
	t.Cleanup(receiver.Close)
	for method, body := range map[string]string{http.MethodGet: "", http.MethodPost: `{"a":1}`} {
		for _, allowed := range []bool{true, false} {
			looks := 0
			out := &outgoing{}
			out.now.Store(safehttp.NewClient(safehttp.Options{}))
			out.reload = func(context.Context) error {
				looks++
				if allowed {
					out.now.Store(safehttp.NewClient(safehttp.Options{AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}))
				}
				return nil
			}
			req, err := http.NewRequestWithContext(t.Context(), method, receiver.URL, strings.NewReader(body))
			require.NoError(t, err)
			resp, err := (&http.Client{Transport: out}).Do(req)
			require.Equal(t, 1, looks)
			if !allowed {
				var blocked *safehttp.BlockedError
				require.ErrorAs(t, err, &blocked)
				continue
			}
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.Equal(t, method+" "+body, <-heard)
		}
	}
	require.Empty(t, heard)
}
