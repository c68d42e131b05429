package store

import (
	"maps"
	"sync"
)

// standings are how destinations stood when this process last looked. They are never
// believed: a statement that rests on them says what they were, and does nothing where
// it is no longer so.
type standings struct {
	mu    sync.Mutex
	known map[string]*stood
}

// of returns how they stood; ok is false where one is not known.
func (m *standings) of(ids []string) (known map[string]*stood, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	known = make(map[string]*stood, len(ids))
	for _, id := range ids {
		if known[id] = m.known[id]; known[id] == nil {
			return nil, false
		}
	}
	return known, true
}

func (m *standings) keep(all map[string]*stood) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil {
		m.known = make(map[string]*stood, len(all))
	}
	maps.Copy(m.known, all)
}

// forget is for when a transaction was undone that had changed some.
func (m *standings) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.known = nil
}
