package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"skand/skan"
)

// Samples that Apple signed, so that the key which is tried first is the one that
// signed, as in production.
var verifySamples = []struct{ row, file string }{
	{"verify.2.1", "skan21_apple_olddoc.json"},
	{"verify.2.2", "skan22_apple.json"},
	{"verify.3.0", "skan30_win_apple.json"},
	{"verify.4.0", "skan40_web_fine_apple.json"},
	{"verify.aak", "aak_dev1_reengagement_apple.json"},
}

// verify compares whole verdicts with the bare check of a signature, on one core.
func (b *bench) verify(ctx context.Context) error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	bare, err := bareCheck()
	if err != nil {
		return err
	}
	loops := []func() bool{bare}
	v := skan.NewVerifier(skan.AppleKeys())
	for _, s := range verifySamples {
		body, err := os.ReadFile(filepath.Join(b.root, "fixtures", "postbacks", s.file))
		if err != nil {
			return err
		}
		loops = append(loops, func() bool {
			verdict := v.Verify(body).Verdict
			return verdict == skan.Valid || verdict == skan.Develop
		})
	}
	rounds := 3 * b.sizes.Rounds // they are short
	rates := make([][]float64, len(loops))
	for i := range rates {
		rates[i] = make([]float64, rounds)
	}
	for round := range rounds {
		for _, i := range order(round, len(loops)) {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if rates[i][round], err = spin(loops[i], b.sizes.Verify); err != nil {
				return fmt.Errorf("loop %d: %w", i, err)
			}
		}
	}
	for i, s := range verifySamples {
		b.report.add(s.row, ratios(rates[i+1], rates[0]), perSecond(median(rates[i+1])), perSecond(median(rates[0])))
	}
	return nil
}

func bareCheck() (func() bool, error) {
	priv, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256([]byte("bare"))
	sig, err := ecdsa.SignASN1(rand.Reader, priv, digest[:])
	if err != nil {
		return nil, err
	}
	return func() bool { return ecdsa.VerifyASN1(&priv.PublicKey, digest[:], sig) }, nil
}

// spin calls f for about d of this process's CPU time and returns calls per second
// of it: on one core a neighbour who takes the CPU away must not count.
func spin(f func() bool, d time.Duration) (float64, error) {
	began, err := cpuTime()
	if err != nil {
		return 0, err
	}
	for n := 1; ; n++ {
		if !f() {
			return 0, errors.New("does not verify")
		}
		if n%16 != 0 {
			continue
		}
		now, err := cpuTime()
		if err != nil {
			return 0, err
		}
		if took := now - began; took >= d {
			return float64(n) / took.Seconds(), nil
		}
	}
}
