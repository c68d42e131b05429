package main

import (
	"context"
	"time"

	"skand/internal/clock"
	"skand/skan"
)

// newestKeys verifies with the keys of this moment. A body that no known key signed
// may be signed by one that another process applied a moment ago: before the
// verdict stands, the store is asked again, though not for every body of a flood.
type newestKeys struct{ a *App }

// Verify implements conversion.Verifier.
func (n newestKeys) Verify(body []byte) skan.Result {
	return n.verify(body, (*skan.Verifier).Verify)
}

// VerifyRelayed implements conversion.Verifier.
func (n newestKeys) VerifyRelayed(body []byte) skan.Result {
	return n.verify(body, (*skan.Verifier).VerifyRelayed)
}

func (n newestKeys) verify(body []byte, with func(*skan.Verifier, []byte) skan.Result) skan.Result {
	v := n.a.verifier.Load()
	r := with(v, body)
	if r.Verdict != skan.Invalid && r.Verdict != skan.Unsupported {
		return r
	}
	if newer := n.a.newerVerifier(v); newer != nil {
		return with(newer, body)
	}
	return r
}

const (
	lookAgainAfter = 5 * time.Millisecond
	lookTimeout    = time.Second
)

// newerVerifier looks for keys applied since v was made; nil if there are none, or
// if the store was asked just now, or can't be.
func (a *App) newerVerifier(v *skan.Verifier) *skan.Verifier {
	a.reloading.Lock()
	fresh := clock.Real{}.Now().Sub(a.lookedAt) < lookAgainAfter
	a.reloading.Unlock()
	if !fresh {
		ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
		defer cancel()
		if err := a.reload(ctx); err != nil {
			a.log.WarnContext(ctx, "keys not read again", "error", err)
			return nil
		}
	}
	if now := a.verifier.Load(); now != v {
		return now
	}
	return nil
}
