package schema

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
)

// located is a part of a table in canonical form, with its place in the text.
type located[K cmp.Ordered, T any] struct {
	key  K
	part T
	text string // canonical JSON; orders parts of one key as Canonical does
	at   string
}

func (l *located[K, T]) raw() json.RawMessage {
	if l == nil {
		return nil
	}
	return json.RawMessage(l.text)
}

func (l *located[K, T]) pointer() string {
	if l == nil {
		return ""
	}
	return l.at
}

// paired sorts two lists and visits them side by side; nil stands for a missing
// partner. A draft may hold a key twice: the first then belongs to the first.
func paired[K cmp.Ordered, T any](a, b []located[K, T], visit func(a, b *located[K, T])) {
	order := func(x, y located[K, T]) int { return cmp.Or(cmp.Compare(x.key, y.key), cmp.Compare(x.text, y.text)) }
	slices.SortStableFunc(a, order)
	slices.SortStableFunc(b, order)
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].key < b[0].key:
			visit(&a[0], nil)
			a = a[1:]
		case len(a) == 0 || b[0].key < a[0].key:
			visit(nil, &b[0])
			b = b[1:]
		default:
			visit(&a[0], &b[0])
			a, b = a[1:], b[1:]
		}
	}
}

// tableWindow is a window beside its canonical form: rows keep their place.
type tableWindow struct{ written, canonical Window }

func locateWindows(ws []Window, base string) []located[int, tableWindow] {
	out := make([]located[int, tableWindow], 0, len(ws))
	for i, w := range ws {
		c := canonicalWindows([]Window{w})[0]
		out = append(out, located[int, tableWindow]{w.Index, tableWindow{w, c}, fingerprint(c), under(base, i)})
	}
	return out
}

func (c *comparison) windows(before, after []Window, base string, reengagement bool) {
	paired(locateWindows(before, base), locateWindows(after, base), func(a, b *located[int, tableWindow]) {
		w := windowPair{comparison: c, reengagement: reengagement, atOld: a.pointer(), atNew: b.pointer()}
		if a != nil {
			w.index, w.a = a.key, a.part
		}
		if b != nil {
			w.index, w.b = b.key, b.part
		}
		index := json.RawMessage(fingerprint(w.index))
		switch {
		case a == nil:
			c.add("", b.at, nil, index, w.label()+" is new")
		case b == nil:
			c.add(a.at, "", index, nil, w.label()+" is gone: its values mean nothing any more")
		}
		w.compare()
	})
}

// windowPair compares the windows of one index; a missing one is empty.
type windowPair struct {
	*comparison
	index        int
	reengagement bool
	a, b         tableWindow
	atOld, atNew string // pointers; "" when missing
}

func (w *windowPair) label() string {
	if w.reengagement {
		return fmt.Sprintf("Re-engagement window %d", w.index)
	}
	return fmt.Sprintf("Window %d", w.index)
}

func (w *windowPair) compare() {
	part := func(name string, a, b stated, words string) {
		w.add(under(w.atOld, name), under(w.atNew, name), a.raw, b.raw,
			w.label()+": "+fmt.Sprintf(words, b.words, a.words))
	}
	gaps := func(c Window) stated { return said(c.Reserved, len(c.Reserved) > 0, gapWords(c.Reserved), "none") }
	lock := func(c Window) stated {
		if c.Lock == nil {
			return stated{words: "not at all"}
		}
		return said(c.Lock, true, c.Lock.words(), "")
	}
	part("reserved", gaps(w.a.canonical), gaps(w.b.canonical), "the values kept free are now %s (were: %s)")
	part("lock", lock(w.a.canonical), lock(w.b.canonical), "now locks %s (was: %s)")
	paired(w.a.rows(w.atOld), w.b.rows(w.atNew), func(a, b *located[int, Level]) {
		label := "Value "
		if w.reengagement {
			label = "Re-engagement value "
		}
		if w.index != 0 {
			label = w.label() + ": value "
		}
		w.meaning(label+fmt.Sprint(cmp.Or(a, b).key), a.pointer(), b.pointer(), a.raw(), b.raw(), levelOf(a), levelOf(b))
	})
	paired(w.a.levels(w.atOld), w.b.levels(w.atNew), func(a, b *located[string, Level]) {
		label := w.label() + ": coarse " + cmp.Or(a, b).key[1:]
		w.meaning(label, a.pointer(), b.pointer(), a.raw(), b.raw(), levelOf(a), levelOf(b))
	})
}

// meaning notes what one value means now and meant before.
func (w *windowPair) meaning(label, atOld, atNew string, a, b json.RawMessage, before, after Level) {
	was := before.words(w.before.Currency, false)
	now := after.words(w.after.Currency, false)
	if was == now {
		// What differs is a name that only networks see.
		was, now = before.words(w.before.Currency, true), after.words(w.after.Currency, true)
	}
	words := fmt.Sprintf("%s now means %s (was: %s)", label, now, was)
	switch {
	case a == nil:
		words = fmt.Sprintf("%s now means %s (was not mapped)", label, now)
	case b == nil:
		words = fmt.Sprintf("%s means nothing any more (was: %s)", label, was)
	}
	w.add(atOld, atNew, a, b, words)
}

func levelOf[K cmp.Ordered](l *located[K, Level]) Level {
	if l == nil {
		return Level{}
	}
	return l.part
}

// rows lists the fine values; a row reads like a level without an estimate.
func (w tableWindow) rows(at string) []located[int, Level] {
	out := make([]located[int, Level], 0, len(w.written.Fine))
	for i, r := range w.written.Fine {
		events := canonicalEvents(r.Events)
		out = append(out, located[int, Level]{
			r.Value, Level{Events: events}, fingerprint(Row{r.Value, events}), under(under(at, "fine"), i),
		})
	}
	return out
}

// levels lists the coarse values, low first, unknown names last.
func (w tableWindow) levels(at string) []located[string, Level] {
	out := make([]located[string, Level], 0, len(w.canonical.Coarse))
	for name, l := range w.canonical.Coarse {
		rank := levelRank(name)
		if rank < 0 {
			rank = len(levels)
		}
		out = append(out, located[string, Level]{fmt.Sprint(rank) + name, l, fingerprint(l), under(under(at, "coarse"), name)})
	}
	return out
}
