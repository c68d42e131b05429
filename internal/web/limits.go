package web

import (
	linked "container/list" // lists.go has a list of its own
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"skand/skan"
)

// Bounds of the P-192 work that strangers can ask for. They are no settings: who
// wants none of it turns SKAdNetwork 1.0 and 2.0 off.
const (
	forgedBurst = 50       // failed checks that a network may cause at once,
	forgedRest  = 1.0      // and how many of them it gets back in a second
	maxNetworks = 16 << 10 // networks remembered: about 2 MiB
	maxInLine   = 256      // requests at the curve or waiting for it: half a second's work
)

// OldPostbacks bounds what SKAdNetwork 1.0 and 2.0 may cost. Their P-192 check
// takes 20 to 40 times as long as a P-256 one, and the sender chooses the version.
//
// Every network (/24 or /48) has a budget of checks that fail. A check that proves
// its postback is given back at once, so genuine phones never use it up; and
// nothing newer than 2.0 is ever asked, so phones that share a carrier's address
// with a forger keep being counted. Beyond the budget, or when the line before the
// curve is full, the answer is 500 and nothing is stored: Apple repeats a genuine
// postback up to nine times over days, while a 200 would lose it. Relays are not
// asked: each bears a token, so the operator knows whom to stop.
//
// It remembers a bounded number of networks; the one that failed longest ago is
// forgotten first. It is safe for concurrent use.
type OldPostbacks struct {
	now     func() time.Time
	refused *prometheus.CounterVec

	mu     sync.Mutex
	inLine int
	recent *linked.List // of *budget, the latest in front
	by     map[string]*linked.Element
}

// budget is one network's; a network without one has spent nothing.
type budget struct {
	network string
	left    float64
	at      time.Time
}

// NewOldPostbacks returns full budgets, which refill as now passes.
func NewOldPostbacks(reg prometheus.Registerer, now func() time.Time) *OldPostbacks {
	o := &OldPostbacks{
		now: now, recent: linked.New(), by: map[string]*linked.Element{},
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "skand_p192_refused_total",
			Help: "Postbacks of SKAdNetwork 1.0 and 2.0 that were answered 500 unchecked: budget (their network sent too many forged ones) or line (too many at once).",
		}, []string{"bound"}),
	}
	for _, bound := range []string{"budget", "line"} {
		o.refused.WithLabelValues(bound)
	}
	reg.MustRegister(o.refused)
	return o
}

// enter is asked before a body is checked. When ok, leave must be called with the
// result (the zero Result when there is none). A sender without a network has no
// budget either, only its place in the line.
func (o *OldPostbacks) enter(network string, body []byte) (leave func(skan.Result), ok bool) {
	if o == nil || !skan.NeedsP192(body) {
		return func(skan.Result) {}, true
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.inLine >= maxInLine:
		o.refused.WithLabelValues("line").Inc()
		return nil, false
	case !o.take(network):
		o.refused.WithLabelValues("budget").Inc()
		return nil, false
	}
	o.inLine++
	return func(res skan.Result) { o.left(network, res) }, true
}

// left gives the line's place back, and the check unless it was wasted. What has no
// verdict, because the store failed, was not the sender's fault.
func (o *OldPostbacks) left(network string, res skan.Result) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.inLine--
	if res.Verdict == skan.Invalid {
		return
	}
	if e := o.by[network]; e != nil {
		b := owned(e)
		if b.left++; b.left >= forgedBurst {
			o.forget(e)
		}
	}
}

// take spends one check of the network before it is made, so that a thousand
// requests at once can't all find the budget full.
func (o *OldPostbacks) take(network string) bool {
	if network == "" {
		return true
	}
	now := o.now()
	e := o.by[network]
	if e == nil {
		if len(o.by) >= maxNetworks {
			o.forget(o.recent.Back())
		}
		o.by[network] = o.recent.PushFront(&budget{network: network, left: forgedBurst - 1, at: now})
		return true
	}
	o.recent.MoveToFront(e)
	b := owned(e)
	passed := max(0, now.Sub(b.at).Seconds()) // a lab's clock may be set back
	b.left, b.at = min(forgedBurst, b.left+passed*forgedRest), now
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}

func (o *OldPostbacks) forget(e *linked.Element) {
	delete(o.by, owned(e).network)
	o.recent.Remove(e)
}

func owned(e *linked.Element) *budget {
	b, ok := e.Value.(*budget)
	if !ok {
		panic("web: the list of budgets holds something else")
	}
	return b
}
