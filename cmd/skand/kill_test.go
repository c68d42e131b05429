package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/fixtures/apple"
	"skand/internal/config"
)

// TestKill9LosesNothingThatWasAnswered kills the server in the middle of a load,
// several times: every postback that got its 200 is there, once.
func TestKill9LosesNothingThatWasAnswered(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, cfg config.Config) {
		t.Parallel()
		args := []string{"--lab", "--db", cfg.DB}
		if cfg.Published != "" {
			args = append(args, "--published", cfg.Published)
		}
		bodies := signedBodies(t, 600)
		answered := make([]bool, len(bodies))
		const kills = 4
		for round := range kills {
			p := serveProgram(t, args...)
			if round == 0 {
				trustLab(t, p)
			}
			// The kill comes after a share of this round's answers, while eight senders
			// are in the middle of their requests.
			loadUntilKilled(t, p, bodies, answered, len(bodies)/(kills+1))
		}
		p := serveProgram(t, args...)
		got := 0
		for i, body := range bodies {
			state, err := post(p, body)
			require.NoError(t, err)
			if answered[i] {
				got++
				require.Equalf(t, "duplicate", state, "postback %d was answered 200 before a kill", i)
			}
		}
		require.Positive(t, got)
		require.Less(t, got, len(bodies), "the kills came too late to prove anything")
		c := statusOf(t, p)
		require.EqualValues(t, len(bodies), c.Counted["install"], "each identity is counted once")
		require.True(t, conserved(c), "%+v", c)
		t.Logf("%d postbacks were answered 200 before %d kills; all are there, once", got, kills)
	})
}

// signedBodies makes n postbacks of n different installs, signed by lab keys.
func signedBodies(t *testing.T, n int) [][]byte {
	t.Helper()
	a, err := apple.FromSeed(99)
	require.NoError(t, err)
	bodies := make([][]byte, n)
	for i := range bodies {
		value := i % 20
		bodies[i], err = a.Body(apple.Postback{
			Version: apple.V40, Network: "example123.skadnetwork", AppID: demoApp, Source: fmt.Sprintf("%04d", i%50),
			ID: fmt.Sprintf("6aafb7a5-0170-41b5-bbe4-%012d", i), Conversion: "download", Fidelity: 1, DidWin: true, Fine: &value,
		})
		require.NoError(t, err)
	}
	return bodies
}

// trustLab applies the lab's keys.
func trustLab(t *testing.T, p *program) {
	t.Helper()
	a, err := apple.FromSeed(99)
	require.NoError(t, err)
	keys, err := a.Public()
	require.NoError(t, err)
	var list []map[string]any
	for _, k := range keys {
		list = append(list, map[string]any{"name": k.Name, "kid": k.KID, "spki": k.SPKI, "environment": k.Environment})
	}
	to := &target{server: p.Admin, token: testAdminToken}
	var answer any
	require.NoError(t, to.post(t.Context(), "/v1/apply", map[string]any{"trusted_keys": list}, &answer))
}

// loadUntilKilled posts what has no answer yet, eight at a time, and kills the
// server as soon as enough were answered.
func loadUntilKilled(t *testing.T, p *program, bodies [][]byte, answered []bool, enough int) {
	t.Helper()
	todo := make(chan int)
	stop := make(chan struct{})
	var mu sync.Mutex
	var wg sync.WaitGroup
	n := 0
	for range 8 {
		wg.Go(func() {
			for i := range todo {
				state, err := post(p, bodies[i])
				if err != nil {
					continue // no answer: nothing was promised
				}
				mu.Lock()
				require.Contains(t, []string{"accepted", "duplicate"}, state)
				answered[i] = true
				if n++; n == enough {
					close(stop)
				}
				mu.Unlock()
			}
		})
	}
	go func() {
		defer close(todo)
		for i := range bodies {
			mu.Lock()
			done := answered[i]
			mu.Unlock()
			if done {
				continue
			}
			select {
			case todo <- i:
			case <-stop:
				return
			}
		}
	}()
	select {
	case <-stop:
	case <-t.Context().Done():
	}
	p.kill(t)
	wg.Wait()
}

var postClient = &http.Client{Timeout: 20 * time.Second}

// post sends one body and returns the state of a 200; anything else is an error.
func post(p *program, body []byte) (string, error) {
	resp, err := postClient.Post(p.Public+"/postbacks/skadnetwork", "application/json", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }() // read below
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s", resp.Status, raw)
	}
	var answer struct {
		Status string `json:"status"`
	}
	return answer.Status, json.Unmarshal(raw, &answer)
}
