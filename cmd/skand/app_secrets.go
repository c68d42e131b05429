package main

import (
	"context"
	"net/http"
	"os"
	"sync"
	"time"

	"skand/forward"
	"skand/internal/clock"
)

// newSigner proves who sends. Its time is real time, also in a lab: receivers refuse a
// signature of another hour than theirs.
func (a *App) newSigner() *forward.Signer {
	s := forward.NewSigner(a.store, &http.Client{Transport: a.out}, clock.Real{})
	s.Env = os.Getenv
	return s
}

// keySetKept is how long a key set is served before it is made again: anybody may ask.
const keySetKept = 2 * time.Second

// keySet serves public keys.
type keySet struct {
	a *App

	mu   sync.Mutex
	set  []byte
	made time.Time
}

func (k *keySet) read(ctx context.Context) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := clock.Real{}.Now()
	if k.set != nil && now.Sub(k.made) < keySetKept {
		return k.set, nil
	}
	all, err := k.a.store.Destinations(ctx)
	if err != nil {
		return nil, err
	}
	set, err := k.a.signer.PublicKeys(ctx, all, k.a.clock.Now())
	if err != nil {
		return nil, err
	}
	k.set, k.made = set, now
	return set, nil
}
