package web

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"skand/internal/store"
)

// ledger is what an answer is from: the releases in its range. Releases never
// change, so the same question and the same ids have the same answer.
type ledger struct {
	releases int
	sealedAt store.Stamp // of the newest; zero: there are none
	lab      bool
	set      string // question and releases, whatever the page
	etag     string
}

// cohortShape changes when the same numbers are written in another way.
const cohortShape = "1"

// ledgerOf reads the releases that an answer is from.
func ledgerOf(ctx context.Context, look *store.CohortLook, ask *cohortAsk) (*ledger, error) {
	seen, hash := &ledger{}, sha256.New()
	f := ask.filter
	index := -1
	if f.Index != nil {
		index = *f.Index
	}
	// hash.Write never fails.
	_, _ = fmt.Fprintf(hash, "%s %q %d %d %d %d %q %q %q %q %q\n", cohortShape, store.CohortColumns(), f.AppID, f.From.UnixMilli(), f.To.UnixMilli(),
		index, f.Kind, f.Environment, f.Level, f.NetworkID, []string(ask.group))
	if ask.modeled != nil {
		_, _ = fmt.Fprintf(hash, "modeled %q\n", ask.modeled.Events)
	}
	err := ask.releases(ctx, look, nil, nil, func(r *store.Release) error {
		seen.releases++
		seen.lab = seen.lab || r.Lab
		if time.Time(r.SealedAt).After(time.Time(seen.sealedAt)) {
			seen.sealedAt = r.SealedAt
		}
		_, _ = hash.Write([]byte(r.ID + "\n"))
		return nil
	})
	if err != nil {
		return nil, err
	}
	seen.name(hash.Sum(nil), ask)
	return seen, nil
}

// name tells the answer from others: set is of the question and its releases.
func (l *ledger) name(set []byte, ask *cohortAsk) {
	l.set = hex.EncodeToString(set[:12])
	page := sha256.Sum256(fmt.Appendf(nil, "%s %s %q %d", l.set, ask.format.name, ask.cursor, ask.limit))
	l.etag = `"` + hex.EncodeToString(page[:12]) + `"`
}

// about says it in a few names, for headers and for files.
func (l *ledger) about() map[string]string {
	out := map[string]string{"Skand-Releases": strconv.Itoa(l.releases)}
	if l.releases > 0 {
		out["Skand-Sealed-At"] = l.sealedAt.String()
	}
	if l.lab {
		out["Skand-Lab"] = "true" // not real traffic
	}
	return out
}

func (l *ledger) headers(h http.Header, ask *cohortAsk) {
	h.Set("ETag", l.etag)
	h.Set("Cache-Control", "private, no-cache") // kept by the reader alone, and asked for again
	for name, value := range l.about() {
		h.Set(name, value)
	}
	// The lines of the ledger themselves: k, b and model of each release.
	link := "/v1/releases"
	if ask.filter.AppID != 0 {
		link += "?app=" + strconv.FormatInt(ask.filter.AppID, 10)
	}
	h.Set("Link", "<"+link+`>; rel="describedby"`)
}

// cursor is where a page of sums ends. Sums of more releases are other sums in
// other places, so the cursor holds for these alone.
func (l *ledger) cursor(skip int) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(skip) + "|" + l.set))
}

// skip is where the page begins that a reader of sums asked for.
func (l *ledger) skip(ask *cohortAsk) (int, error) {
	if !ask.skips || ask.cursor == "" {
		return 0, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(ask.cursor)
	if err != nil {
		return 0, store.ErrCursor
	}
	count, set, ok := strings.Cut(string(text), "|")
	if !ok || set != l.set {
		return 0, store.ErrCursor
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 {
		return 0, store.ErrCursor
	}
	return n, nil
}

// noneMatch reports whether a reader has the answer already.
func noneMatch(header, etag string) bool {
	for _, tag := range strings.Split(header, ",") {
		tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
		if tag == etag || tag == "*" {
			return true
		}
	}
	return false
}
