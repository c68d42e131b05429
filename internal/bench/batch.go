package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"time"
)

// arrayLength is the most items that one request of the consented side takes.
const arrayLength = 1000

// batch compares consented items that come in arrays with items that come alone, one
// after the other, over one connection each: what a reporter gains who gathers them.
func (b *bench) batch(ctx context.Context) error {
	var err error
	for _, kind := range []database{postgres, sqlite} {
		e := b.batchOn(ctx, kind)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		err = errors.Join(err, e)
	}
	return err
}

func (b *bench) batchOn(ctx context.Context, kind database) (err error) {
	d, err := b.disk(ctx, kind, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	db, err := d.place(ctx, "skand")
	if err != nil {
		return err
	}
	token, err := b.token(ctx, db)
	if err != nil {
		return err
	}
	p, err := b.serve(ctx, db, d.env())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	for _, path := range []string{"clicks", "installs", "events"} {
		made := 0 // the n-th install names the n-th click
		var rates [2][]float64
		for round := range b.sizes.Rounds + 1 { // the first warms up
			for _, i := range order(round, 2) {
				length := []int{1, arrayLength}[i]
				rate, err := b.items(ctx, p, token, path, length, &made)
				if err != nil {
					return fmt.Errorf("%s in arrays of %d: %w", path, length, err)
				}
				if round > 0 {
					rates[i] = append(rates[i], rate)
				}
			}
		}
		b.report.add("batch."+string(kind)+"."+path, ratios(rates[1], rates[0]), perSecond(median(rates[1])), perSecond(median(rates[0])))
	}
	return nil
}

// token makes one for the consented side.
func (b *bench) token(ctx context.Context, db string) (string, error) {
	built, err := b.programs(ctx)
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, built.skand, "token", "create", "--role", "none", "--scope", "s2s", "--name", "bench", "--db", db)
	cmd.Env = plainEnviron()
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("make a token: %w: %s", err, bytes.TrimSpace(said.Bytes()))
	}
	return string(bytes.TrimSpace(out)), nil
}

// perArray bounds the items that are made for one load.
const perArray = 20

// items sends new items for the duration of a load and returns items per second.
func (b *bench) items(ctx context.Context, p *process, token, path string, length int, made *int) (float64, error) {
	n := int(2000*b.sizes.Load.Seconds()) + 10
	if length > 1 {
		n = perArray
	}
	requests := make([][]byte, n)
	for i := range requests {
		items := make([]string, length)
		for j := range items {
			items[j] = consentedItem(path, *made)
			*made++
		}
		body := items[0]
		if length > 1 {
			body = "[" + strings.Join(items, ",") + "]"
		}
		requests[i] = fmt.Appendf(nil, "POST /v1/%s HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
			path, token, len(body), body)
	}
	return sendAll(ctx, p.addr, requests, length, b.sizes.Load)
}

// sendAll sends requests one after the other, each when the last has its answer, for a
// duration or until they end, and returns items per second.
func sendAll(ctx context.Context, addr string, requests [][]byte, length int, last time.Duration) (float64, error) {
	c, err := dial(ctx, addr)
	if err != nil {
		return 0, err
	}
	defer func() { _ = c.c.Close() }() // the measurement is over
	r := bufio.NewReaderSize(c.c, 64<<10)
	began := now()
	sent := 0
	for _, request := range requests {
		if ctx.Err() != nil || sent > 0 && now().Sub(began) >= last {
			break
		}
		if err := c.c.SetDeadline(now().Add(answerWait)); err != nil {
			return 0, err
		}
		if _, err := c.c.Write(request); err != nil {
			return 0, fmt.Errorf("send: %w", err)
		}
		answer, err := http.ReadResponse(r, nil)
		if err != nil {
			return 0, fmt.Errorf("read the answer: %w", err)
		}
		body, err := io.ReadAll(answer.Body)
		if err = errors.Join(err, answer.Body.Close()); err != nil {
			return 0, fmt.Errorf("read the answer: %w", err)
		}
		if n := bytes.Count(body, []byte(`"status":"accepted"`)); n != length {
			return 0, fmt.Errorf("%d of %d items accepted: %d %.300s", n, length, answer.StatusCode, body)
		}
		sent++
	}
	return float64(sent*length) / now().Sub(began).Seconds(), nil
}

// consentedItem is one that nobody has seen: most installs name a click that is there,
// and every event is one of an install.
func consentedItem(path string, i int) string {
	when := now().UTC().Add(-time.Hour).Format(time.RFC3339)
	id := fmt.Sprintf(`"id":"%s-%d","app_id":%d,"time":"%s"`, path, i, benchApp, when)
	switch path {
	case "clicks":
		return fmt.Sprintf(`{%s,"network_id":"example123.skadnetwork","campaign_id":"c%d"}`, id, i%200)
	case "installs":
		return fmt.Sprintf(`{%s,"click_id":"clicks-%d","idfv":"%08x-0000-4000-8000-%012x","att_status":"denied"}`, id, i, i, i)
	default:
		return fmt.Sprintf(`{%s,"install_id":"installs-%d","name":"purchase","revenue":"4.99","currency":"USD"}`, id, i)
	}
}
