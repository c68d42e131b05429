package forward

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/oauth2"
)

// TokenError says why there is no token, and what that means for the delivery: what
// may pass by itself is to be retried, everything else waits for a repair. Nothing is
// final, for the receiver itself was not asked.
type TokenError struct {
	class  Class // retry, held
	reason string
}

// Error is one line without secrets and without the endpoint's URL.
func (e *TokenError) Error() string { return e.reason }

// Class is the outcome class of the attempt.
func (e *TokenError) Class() Class { return e.class }

// tokenCodes are the errors of RFC 6749, 5.2 and 4.1.2.1. No other text of an answer
// is repeated: it may echo the request.
var tokenCodes = []string{
	"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope",
	"access_denied", "server_error", "temporarily_unavailable",
}

func tokenError(err error) error {
	var answer *oauth2.RetrieveError
	if errors.As(err, &answer) && answer.Response != nil {
		return answeredError(answer)
	}
	var b blocked
	if errors.As(err, &b) && b.Blocked() {
		_, reason := Classify(0, err)
		return &TokenError{ClassHeld, "token endpoint: " + reason}
	}
	var unanswered *url.Error
	switch {
	case errors.As(err, &unanswered):
		_, reason := Classify(0, err)
		return &TokenError{ClassRetry, "token endpoint: " + reason}
	case strings.HasPrefix(err.Error(), "oauth2: cannot fetch token"):
		return &TokenError{ClassRetry, "token endpoint: the answer broke off"}
	}
	// The library's other errors are of answers that it could not read. They quote them.
	return &TokenError{ClassHeld, "the token endpoint answered what is no token; is token_url right?"}
}

func answeredError(answer *oauth2.RetrieveError) *TokenError {
	status := answer.Response.StatusCode
	reason := fmt.Sprintf("the token endpoint answered %d %s", status, http.StatusText(status))
	if slices.Contains(tokenCodes, answer.ErrorCode) {
		reason += ", " + answer.ErrorCode
	}
	class, _ := Classify(status, nil)
	passing := answer.ErrorCode == "server_error" || answer.ErrorCode == "temporarily_unavailable"
	if class == ClassRetry || passing {
		return &TokenError{ClassRetry, reason}
	}
	if status >= 300 && status < 400 {
		reason += "; redirects are never followed"
	}
	return &TokenError{ClassHeld, reason}
}
