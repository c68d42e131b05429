package format

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/shopspring/decimal"

	"skand/schema"
)

// comparison finds how a document differs from itself after it went through a
// format: those are the losses of an export. Pointers go into the document.
type comparison struct {
	format string
	x      *export
	losses []Loss
	names  []nameLoss
}

// nameLoss is a loss of a name, which is reported once, not at each of its rows.
type nameLoss struct {
	Loss
	more int // places
}

func compare(format string, x *export, d, back *schema.Document) []Loss {
	c := &comparison{format: format, x: x}
	c.head(d, back)
	c.windows(d, back)
	for _, n := range c.names {
		if n.more > 0 {
			n.Message += fmt.Sprintf(" (and %d more like it)", n.more)
		}
		c.losses = append(c.losses, n.Loss)
	}
	if len(c.losses) == 0 && !d.Equal(back) {
		// The promise is kept even for a difference that nothing above looks for.
		c.lose("", "the document does not come back quite the same")
	}
	return c.losses
}

func (c *comparison) lose(at, message string) { c.losses = append(c.losses, Loss{at, message}) }

// field compares one value in its printed form; "" is absent.
func (c *comparison) field(at, was, is string) {
	switch {
	case was == is:
	case is == "":
		c.lose(at, fmt.Sprintf("%s is lost: %s has no place for it", was, c.format))
	case was == "":
		c.lose(at, fmt.Sprintf("is not set, but %s cannot leave it out: it says %s", c.format, is))
	default:
		c.lose(at, fmt.Sprintf("%s becomes %s in %s", was, is, c.format))
	}
}

func (c *comparison) head(d, back *schema.Document) {
	c.field("/app_id", appText(d.AppID), appText(back.AppID))
	c.field("/name", quoted(d.Name), quoted(back.Name))
	c.field("/currency", d.Currency, back.Currency)
	c.field("/revenue_source", d.RevenueSource, back.RevenueSource)
	c.field("/revenue_cap", amount(d.RevenueCap), amount(back.RevenueCap))
	c.field("/open_band_mean", amount(d.OpenBandMean), amount(back.OpenBandMean))
	c.field("/overlap_bit", integer(d.OverlapBit), integer(back.OverlapBit))
	if len(d.Layout) > 0 {
		c.lose("/layout", "the model that the table was written with is lost; the table itself is written")
	}
	if len(d.ReengagementWindows) > 0 {
		c.lose("/reengagement_windows", fmt.Sprintf("%d windows are lost: %s has no re-engagement", len(d.ReengagementWindows), c.format))
	}
}

func (c *comparison) windows(d, back *schema.Document) {
	seen := map[int]bool{}
	for i, w := range d.Windows {
		at := under("/windows", i)
		j := slices.IndexFunc(back.Windows, func(b schema.Window) bool { return b.Index == w.Index })
		switch {
		case seen[w.Index]:
			c.lose(at, fmt.Sprintf("window %d stands here twice; only the first is written", w.Index))
		case j < 0:
			c.lose(at, fmt.Sprintf("window %d is lost: %s has no place for it", w.Index, c.format))
		default:
			c.window(at, w, back.Windows[j])
		}
		seen[w.Index] = true
	}
	for _, b := range back.Windows {
		if !seen[b.Index] {
			c.lose("/windows", fmt.Sprintf("there is no window %d, but %s cannot leave it out", b.Index, c.format))
		}
	}
}

func (c *comparison) window(at string, w, back schema.Window) {
	if len(w.Reserved) > 0 {
		c.lose(under(at, "reserved"), "reserved values are lost: for "+c.format+" they are values without a meaning")
	}
	if c.lock(w.Lock) != lockText(back.Lock) {
		c.field(under(at, "lock"), lockText(w.Lock), lockText(back.Lock))
	}
	seen := map[int]bool{}
	for i, r := range w.Fine {
		p := under(under(at, "fine"), i)
		j := slices.IndexFunc(back.Fine, func(b schema.Row) bool { return b.Value == r.Value })
		where := cell{w.Index, strconv.Itoa(r.Value)}
		switch {
		case seen[r.Value]:
			c.lose(p, fmt.Sprintf("value %d has a row already; only the first is written", r.Value))
		case j < 0:
			c.lose(p, fmt.Sprintf("value %d is left out: %s", r.Value, c.why(where)))
		default:
			c.events(p, where, r.Events, back.Fine[j].Events)
		}
		seen[r.Value] = true
	}
	for _, b := range back.Fine {
		if !seen[b.Value] && !overlaps(c.x.doc, b.Value) {
			c.lose(under(at, "fine"), fmt.Sprintf("value %d has no row, but %s gives it one", b.Value, c.format))
		}
	}
	c.coarse(at, w, back)
}

func (c *comparison) coarse(at string, w, back schema.Window) {
	names := make([]string, 0, len(w.Coarse))
	for name := range w.Coarse {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		p := under(under(at, "coarse"), name)
		l, ok := back.Coarse[name]
		where := cell{w.Index, name}
		if !ok {
			c.lose(p, fmt.Sprintf("%s is left out: %s", name, c.why(where)))
			continue
		}
		c.events(p, where, w.Coarse[name].Events, l.Events)
		c.field(under(p, "revenue_est"), amount(w.Coarse[name].RevenueEst), amount(l.RevenueEst))
	}
	for _, name := range levels {
		_, had := w.Coarse[name]
		if _, has := back.Coarse[name]; has && !had {
			c.lose(under(at, "coarse"), fmt.Sprintf("%s has no meaning, but %s gives it one", name, c.format))
		}
	}
}

func (c *comparison) why(where cell) string {
	if why, ok := c.x.left[where]; ok {
		return why
	}
	return c.format + " has no place for it"
}

// lock is the lock as it has to come back: an event under the network's name.
func (c *comparison) lock(l *schema.Lock) string {
	if l != nil && l.On == schema.LockEvent {
		return lockText(&schema.Lock{On: l.On, Name: c.x.lockName(l)})
	}
	return lockText(l)
}

func lockText(l *schema.Lock) string {
	if l == nil {
		return ""
	}
	b, err := json.Marshal(l)
	if err != nil {
		return l.On // a lock of words and numbers is always written
	}
	return string(b)
}

func quoted(s string) string {
	if s == "" {
		return ""
	}
	return strconv.Quote(s)
}

func integer(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}

func amount(d *decimal.Decimal) string {
	if d == nil {
		return ""
	}
	return d.String()
}
