package forward

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// Receivers that answer no HTTP but repeat the request: the reason tells what is
// wrong and nothing of what was sent.
func TestReasonRepeatsNoAnswer(t *testing.T) {
	t.Parallel()
	const phone = "6D92078A-8246-4BA4-AE5B-76104861E7DC"
	for name, answer := range map[string]string{
		"no HTTP":   phone + " HTTP/1.1 200 OK\r\n\r\n",
		"status":    "HTTP/1.1 " + phone + " OK\r\n\r\n",
		"version":   "HTTP/" + phone + " 200 OK\r\n\r\n",
		"header":    "HTTP/1.1 200 OK\r\n" + phone + "\r\n\r\n",
		"key":       "HTTP/1.1 200 OK\r\n\"" + phone + " x: y\r\n\r\n",
		"length":    "HTTP/1.1 200 OK\r\nContent-Length: " + phone + "\r\n\r\n",
		"encoding":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: " + phone + "\r\n\r\n",
		"quotation": "\"" + phone + "\\\" " + phone + "\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			t.Cleanup(func() { _ = l.Close() }) // closed already
			go func() {
				c, err := l.Accept()
				if err != nil {
					return
				}
				_, _ = bufio.NewReader(c).ReadString('\n') // the request line is enough to answer
				_, _ = fmt.Fprint(c, answer)
				_ = c.Close() // it has said all
			}()
			client := &http.Client{Transport: &http.Transport{}}
			t.Cleanup(client.CloseIdleConnections)
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.Addr().String()+"/?i="+phone, nil)
			require.NoError(t, err)
			resp, err := client.Do(req)
			if err == nil {
				require.NoError(t, resp.Body.Close())
			}
			require.Error(t, err)
			require.Contains(t, err.Error(), phone, "net/http repeats it, or this test shows nothing")
			class, reason := Classify(0, err)
			require.Equal(t, ClassRetry, class)
			require.NotContains(t, reason, "8246")
			require.Contains(t, reason, "network: ")
			require.Greater(t, len(reason), len("network: …"))
		})
	}
}
