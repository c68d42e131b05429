package forward

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// Rendered is a request before it is signed and sent.
type Rendered struct {
	Method string
	URL    string
	Header http.Header
	Body   []byte // nil: none
}

// Credentials prove who sends. They add to a rendered request what its destination
// asks for: a signature, a token, a secret in a header or in the query.
type Credentials interface {
	// Apply changes r for one attempt at a time. hide are the values that an answer
	// must not repeat into the log. ErrKeyMissing says that the fault is ours.
	Apply(ctx context.Context, d Destination, deliveryID string, at time.Time, r *Rendered) (hide []string, err error)
}

// ErrKeyMissing marks faults of our own side of signing: no secret is stored, or the
// key that seals it is not there. Such an attempt was none and is not charged.
var ErrKeyMissing = errors.New("the destination's secret is missing")
