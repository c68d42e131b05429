package forward

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
)

// Class says what an attempt's outcome means for its delivery.
type Class string

// The outcome classes.
const (
	ClassOK      Class = "ok"      // the receiver answered 2xx: delivered
	ClassRetry   Class = "retry"   // may succeed later by itself
	ClassHeld    Class = "held"    // may succeed once the destination is repaired
	ClassRefused Class = "refused" // final: the same request gets the same answer
	ClassGone    Class = "gone"    // 410: the receiver wants no more of them
	ClassExpired Class = "expired" // no attempt: time ran out (counted, never logged)
)

// blocked is what a guarded transport's error answers when it would not dial.
type blocked interface{ Blocked() bool }

// Classify judges one attempt: err where there was no answer, status otherwise.
// The reason is one line without the URL. Faults of our own (a shutdown) are no
// outcome; the deliverer sorts them out before.
func Classify(status int, err error) (Class, string) {
	if err != nil {
		return classifyError(err)
	}
	reason := fmt.Sprintf("the receiver answered %d %s", status, http.StatusText(status))
	switch {
	case status >= 200 && status < 300:
		return ClassOK, ""
	case status >= 300 && status < 400:
		return ClassRefused, reason + "; redirects are never followed"
	case status == http.StatusGone:
		return ClassGone, reason
	}
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return ClassRetry, reason
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusProxyAuthRequired:
		return ClassHeld, reason
	}
	if status >= 500 {
		return ClassRetry, reason
	}
	return ClassRefused, reason
}

func classifyError(err error) (Class, string) {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err // url.Error would print the whole URL, secrets and all
	}
	var b blocked
	var noToken *TokenError
	switch {
	case errors.As(err, &noToken):
		return noToken.class, noToken.reason
	case errors.Is(err, ErrTemplate):
		return ClassRefused, err.Error()
	case errors.As(err, &b) && b.Blocked():
		return ClassRefused, err.Error()
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return ClassRetry, "no answer within the destination's timeout"
	}
	return ClassRetry, "network: " + unquoted(err.Error())
}

// quoted is what net/http repeats of an answer that it can't read.
var quoted = regexp.MustCompile(`"(\\.|[^"\\])*"?`)

// unquoted drops what the receiver sent: a broken answer may echo the request, and a
// reason stands in logs and lists as it is. After a malformed header line there is
// nothing but the line.
func unquoted(text string) string {
	if before, _, found := strings.Cut(text, "malformed MIME header"); found {
		text = before + "malformed MIME header"
	}
	return quoted.ReplaceAllString(text, "…")
}

// state is where the class leaves its delivery.
func (c Class) state() State {
	switch c {
	case ClassOK:
		return StateDelivered
	case ClassHeld:
		return StateHeld
	case ClassRefused:
		return StateRefused
	case ClassGone:
		return StateGone
	default:
		return StatePending
	}
}
