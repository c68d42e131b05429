package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"

	"skand/internal/store"
	"skand/schema"
	"skand/schema/format"
)

// rendering is a version in one format. A version never changes, so neither does
// its rendering.
type rendering struct {
	body        []byte
	contentType string
	etag        string
	lost        []format.Loss
}

// served is what one request gets.
type served struct {
	store.Mapping
	rendering
}

// fetch looks up which version is in force, on every request: a publication counts
// at once. Those who ask for the same at the same time share one look; only the
// rendering is kept.
func (m *Mappings) fetch(ctx context.Context, appID int64, version int, as string) (served, error) {
	key := fmt.Sprintf("%d/%d/%s", appID, version, as)
	return shared(ctx, m, key, func(ctx context.Context) (served, error) {
		v, err := m.from.Mapping(ctx, appID, version, m.now())
		if err != nil {
			return served{}, err
		}
		kept := renderingKey{appID, v.Version, as}
		out, ok := m.rendered.get(kept)
		if !ok {
			if out, err = render(appID, v, as); err != nil {
				return served{}, err
			}
			m.rendered.put(kept, out)
		}
		v.Document = nil
		return served{v, out}, nil
	})
}

// shared works in one of the few places, once for all who ask for the same key. It
// goes on when the first of them leaves.
func shared[T any](ctx context.Context, m *Mappings, key string, work func(ctx context.Context) (T, error)) (T, error) {
	v, err, _ := m.flights.Do(key, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), mappingTimeout)
		defer cancel()
		leave, err := m.enter(ctx)
		if err != nil {
			return nil, err
		}
		defer leave()
		return work(ctx)
	})
	out, _ := v.(T) // nil beside an error
	return out, err
}

// enter waits in the line for a place; a full line is told so at once.
func (m *Mappings) enter(ctx context.Context) (leave func(), err error) {
	select {
	case m.line <- struct{}{}:
	default:
		return nil, errBusy
	}
	select {
	case m.places <- struct{}{}:
		return func() { <-m.places; <-m.line }, nil
	case <-ctx.Done():
		<-m.line
		return nil, errBusy
	}
}

func render(appID int64, v store.Mapping, as string) (rendering, error) {
	out := rendering{body: append(v.Document, '\n'), contentType: "application/json"}
	if as != nativeFormat {
		d, err := schema.Parse(v.Document)
		if err != nil {
			return rendering{}, fmt.Errorf("read version %d: %w", v.Version, err)
		}
		d.AppID = appID // a document need not say so, the vendors' forms do
		about := format.About{Version: v.Version, Updated: modified(v)}
		if out.body, out.lost, err = format.Export(as, d, about); err != nil {
			return rendering{}, fmt.Errorf("write version %d: %w", v.Version, err)
		}
		out.contentType = format.ContentType(as)
	}
	out.etag = etagOf(fmt.Sprintf("%d-%s", v.Version, as), out.body)
	return out, nil
}

// etagOf is strong: the same tag, the same bytes.
func etagOf(name string, body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + name + "-" + hex.EncodeToString(sum[:8]) + `"`
}

type renderingKey struct {
	appID   int64
	version int
	as      string
}

// maxRendered bounds what is kept. Who asks after the bound was reached waits for
// a new rendering, a millisecond or so.
const maxRendered = 8 << 20

// renderings keeps what was rendered; the zero value is empty.
type renderings struct {
	mu    sync.Mutex
	bytes int
	by    map[renderingKey]rendering
}

func (k *renderings) get(key renderingKey) (rendering, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	r, ok := k.by[key]
	return r, ok
}

func (k *renderings) put(key renderingKey, r rendering) {
	k.mu.Lock()
	defer k.mu.Unlock()
	size := len(r.body) + 256
	for _, l := range r.lost {
		size += len(l.Pointer) + len(l.Message) + 64
	}
	if k.by == nil || k.bytes+size > maxRendered {
		k.by, k.bytes = map[renderingKey]rendering{}, 0
	}
	if _, known := k.by[key]; !known {
		k.bytes += size
	}
	k.by[key] = r
}
