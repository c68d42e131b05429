package auth

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"
)

// TooMany is returned where attempts have been used up for now. It ends by itself:
// nobody is locked out for ever, whoever else tries.
type TooMany struct{ After time.Duration }

// Error says when to try again.
func (e *TooMany) Error() string {
	return fmt.Sprintf("too many attempts to sign in; try again in %s", inWords(e.After))
}

func inWords(d time.Duration) string {
	if d <= 90*time.Second {
		return fmt.Sprintf("%d seconds", Seconds(d))
	}
	return fmt.Sprintf("%d minutes", int((d+time.Minute-1)/time.Minute))
}

// Seconds is d in whole seconds, rounded up, at least 1: what Retry-After takes.
func Seconds(d time.Duration) int { return max(1, int((d+time.Second-1)/time.Second)) }

// Allowance is how many attempts somebody has: Burst at once, and one more after each
// Every. It fills up again whatever happens.
type Allowance struct {
	Burst int
	Every time.Duration
}

// The allowances. An account has one for strangers and one for each network that it
// has signed in from: who tries passwords from elsewhere can't keep its owner out.
var (
	ofAccount = Allowance{Burst: 10, Every: 2 * time.Minute}
	ofNetwork = Allowance{Burst: 30, Every: 10 * time.Second}
)

// familiarFor is how long a network counts as one of the account's.
const familiarFor = 90 * 24 * time.Hour

// Bucket is whose attempts are counted, as a SHA-256: what people type into the field
// of the address is sometimes their password.
type Bucket [32]byte

func bucketOf(kind string, parts ...string) Bucket {
	h := sha256.New()
	for _, p := range append([]string{kind}, parts...) {
		_, _ = fmt.Fprintf(h, "%d:%s", len(p), p) // never fails
	}
	return Bucket(h.Sum(nil))
}

// Attempts are counted where all processes see them.
type Attempts interface {
	// SpendAttempt takes one of an allowance before the attempt is made, so that a
	// thousand at once can't all find it full. wait is 0, or how long there is none;
	// nothing is taken then.
	SpendAttempt(ctx context.Context, b Bucket, a Allowance) (wait time.Duration, err error)
	// ReturnAttempt gives one back and, where keep is not 0, remembers the bucket for
	// so long.
	ReturnAttempt(ctx context.Context, b Bucket, a Allowance, keep time.Duration) error
	// Familiar reports whether a bucket is remembered.
	Familiar(ctx context.Context, b Bucket) (bool, error)
}

// spend takes an attempt of the network and one of the account, and returns the
// account's bucket that paid.
func spend(ctx context.Context, in Attempts, email, client string) (Bucket, error) {
	payer := bucketOf("account", email)
	wait, err := in.SpendAttempt(ctx, bucketOf("network", client), ofNetwork)
	if err == nil && wait == 0 {
		familiar := bucketOf("familiar", email, client)
		var known bool
		if known, err = in.Familiar(ctx, familiar); known {
			payer = familiar
		}
		if err == nil {
			wait, err = in.SpendAttempt(ctx, payer, ofAccount)
		}
	}
	switch {
	case err != nil:
		return payer, fmt.Errorf("count attempts: %w", err)
	case wait > 0:
		return payer, &TooMany{After: wait}
	}
	return payer, nil
}

// succeeded gives back what a right password needed, and makes the network familiar.
func succeeded(ctx context.Context, in Attempts, payer Bucket, email, client string) error {
	familiar := bucketOf("familiar", email, client)
	if payer != familiar {
		if err := in.ReturnAttempt(ctx, payer, ofAccount, 0); err != nil {
			return err
		}
	}
	if err := in.ReturnAttempt(ctx, familiar, ofAccount, familiarFor); err != nil {
		return err
	}
	return in.ReturnAttempt(ctx, bucketOf("network", client), ofNetwork, 0)
}
