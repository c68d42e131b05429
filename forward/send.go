package forward

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"
)

const (
	answerKept = 1024       // how much of an answer the attempt log keeps
	answerRead = 4096       // read before redacting, so that no cut leaves half a token
	reasonKept = answerKept // a reason may quote what a receiver sent
)

// reply is what came back; status counts when err is nil.
type reply struct {
	status     int
	answer     string
	retryAfter time.Duration
	sent       bool // a connection stood; told where the schedule asks
	renewed    bool // 401 to a token that the next attempt brings anew
	err        error
}

// send makes one request. Everything in it, credentials that are fetched included,
// ends within the destination's timeout, which is what leases are reckoned from.
func (d *Deliverer) send(ctx context.Context, e errand, delivery Delivery) reply {
	dest := e.target.Destination
	r, err := e.program.Render(delivery)
	if err != nil {
		return reply{err: err}
	}
	// The network's time is real time, also where the lab's clock stands elsewhere.
	ctx, cancel := context.WithTimeout(ctx, dest.Timeout)
	defer cancel()
	var hide []string
	if d.Credentials != nil {
		hide, err = d.Credentials.Apply(ctx, dest, delivery.ID, d.Clock.Now(), &r)
		if err != nil {
			return reply{err: err}
		}
	} else if dest.needsSecret() || dest.OAuth != nil {
		return reply{err: missingKey("secret_env", dest.SecretEnv)} // unsigned it must not go out
	}
	// Set by the transport, which may still be dialling for somebody when we are gone.
	// Only some schedules ask.
	var sent atomic.Bool
	if e.schedule.Only5xx {
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent.Store(true) }})
	}
	req, err := r.request(ctx)
	if err != nil {
		return reply{err: err}
	}
	resp, err := d.Client.Do(req)
	if err != nil {
		return reply{err: err, sent: sent.Load()}
	}
	// The status is the answer; a body that breaks off takes nothing from it.
	body, _ := io.ReadAll(io.LimitReader(resp.Body, answerRead))
	_ = resp.Body.Close()
	return reply{
		status:     resp.StatusCode,
		answer:     printable(e.program.Redact(string(body), delivery, hide), answerKept),
		retryAfter: parseRetryAfter(resp.Header.Get("Retry-After"), d.Clock.Now()),
		sent:       true,
		renewed:    resp.StatusCode == http.StatusUnauthorized && renew(d.Credentials, dest, r),
	}
}

func (r Rendered) request(ctx context.Context) (*http.Request, error) {
	var body io.Reader
	if r.Body != nil {
		body = bytes.NewReader(r.Body)
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, body)
	if err != nil {
		return nil, fmt.Errorf("%w: the rendered URL cannot be sent", ErrTemplate)
	}
	if r.Header != nil {
		req.Header = r.Header
	}
	if req.Header.Get("User-Agent") == "" {
		req.Header.Set("User-Agent", "skand")
	}
	return req, nil
}

// printable makes text that any database keeps, of at most limit bytes.
func printable(text string, limit int) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "?"), "\x00", "?")
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "") // drops a rune that the cut has split
	}
	return text
}
