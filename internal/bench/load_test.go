package main

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/skan"
)

func TestReadAnswer(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		wire, body, fault string
		status            int
	}{
		"200":        {wire: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", status: 200, body: "{}"},
		"500":        {wire: "HTTP/1.1 500 Internal Server Error\r\nX: y\r\nContent-Length: 1\r\n\r\nx", status: 500, body: "x"},
		"not HTTP":   {wire: "SSH-2.0-OpenSSH\r\n", fault: "status line"},
		"no number":  {wire: "HTTP/1.1 abc\r\n", fault: "status line"},
		"no length":  {wire: "HTTP/1.1 200 OK\r\n\r\n", fault: "no Content-Length"},
		"bad length": {wire: "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", fault: "content length"},
		"cut short":  {wire: "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}", fault: "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, body, err := readAnswer(bufio.NewReader(strings.NewReader(test.wire)))
			if test.fault != "" {
				require.ErrorContains(t, err, test.fault)
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.status, status)
			require.Equal(t, test.body, string(body))
		})
	}
}

// counter is a server that accepts each different body once.
func counter(t *testing.T) (addr string, seen *atomic.Int64) {
	t.Helper()
	seen = &atomic.Int64{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || bytes.Equal(body, []byte("bad")) {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		seen.Add(1)
		_, _ = io.WriteString(w, `{"status":"accepted"}`) // the client says if it isn't there
	}))
	t.Cleanup(srv.Close)
	return srv.Listener.Addr().String(), seen
}

func TestLoadSendsEachRequestOnce(t *testing.T) {
	t.Parallel()
	addr, seen := counter(t)
	list := make([][]byte, 100)
	for i := range list {
		list[i] = request([]byte("{}"))
	}
	var next atomic.Int64
	f, err := load{addr: addr, conns: 8, feed: feed{requests: list, next: &next}, want: "accepted"}.run(t.Context())
	require.NoError(t, err)
	require.Equal(t, 100, f.N)
	require.EqualValues(t, 100, seen.Load())
	require.Positive(t, f.Rate)
	require.LessOrEqual(t, f.P50, f.P99)
}

func TestLoadEndsByItsTimeAndKeepsItsPace(t *testing.T) {
	t.Parallel()
	addr, seen := counter(t)
	var next atomic.Int64
	again := feed{requests: [][]byte{request([]byte("{}"))}, next: &next, again: true}
	f, err := load{addr: addr, conns: 3, last: 40 * time.Millisecond, every: 4 * time.Millisecond, feed: again}.run(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, f.N, seen.Load())
	require.LessOrEqual(t, f.N, 10, "one in 4 ms")
}

func TestLoadFailsOnAnotherAnswer(t *testing.T) {
	t.Parallel()
	addr, _ := counter(t)
	for want, fault := range map[string]string{"accepted": "answer 500", "": ""} {
		var next atomic.Int64
		l := load{addr: addr, conns: 1, feed: feed{requests: [][]byte{request([]byte("bad"))}, next: &next}, want: want}
		_, err := l.run(t.Context())
		if fault == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, fault)
	}
	_, err := load{addr: "127.0.0.1:1", conns: 1}.run(t.Context())
	require.Error(t, err)
}

// TestBodiesAreWhatTheyClaim: genuine ones verify with the bench's key, forged ones
// get as far as the costly check.
func TestBodiesAreWhatTheyClaim(t *testing.T) {
	t.Parallel()
	s, err := newSigner()
	require.NoError(t, err)
	keys, err := skan.AppleKeys().With(skan.TrustedKey{Name: "bench", SPKI: s.p256, Environment: skan.Production})
	require.NoError(t, err)
	v := skan.NewVerifier(keys)
	body := func(request []byte) []byte {
		_, body, ok := bytes.Cut(request, []byte("\r\n\r\n"))
		require.True(t, ok)
		return body
	}
	p := &pool{signer: s}
	require.NoError(t, p.upTo(3))
	require.NoError(t, p.upTo(10))
	require.NoError(t, p.upTo(5))
	require.Len(t, p.all, 10)
	identities := map[string]bool{}
	for _, r := range p.all {
		res := v.Verify(body(r))
		require.Equal(t, skan.Valid, res.Verdict, res.Message)
		identities[string(res.Identity.Hash())] = true
	}
	require.Len(t, identities, 10)
	f, err := forged(1)
	require.NoError(t, err)
	res := v.Verify(body(f))
	require.Equal(t, skan.ReasonSignature, res.Reason, res.Message)
	require.Equal(t, "1.0", res.Version)
}
