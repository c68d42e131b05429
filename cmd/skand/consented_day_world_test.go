package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// The scripted day: two apps, four networks (one of which nobody has described), and
// people who come, come back, refuse and change their minds.
const (
	dayApp, dayOtherApp = 525463029, 700000001
	daySteps            = 48 // of half an hour
	dayStep             = 30 * time.Minute
)

var (
	dayStart    = time.Date(2026, 11, 17, 0, 0, 0, 0, time.UTC)
	dayNetworks = []string{"alpha.example", "beta.example", "gamma.example", "delta.example"}
)

// dayItem is one report of the day. Exactly one of its members is set; body is what
// is sent, and link says that it comes by a tracking link.
type dayItem struct {
	click   *dayClick
	install *dayInstall
	event   *dayEvent
	consent *dayConsent
	link    bool
}

func (i dayItem) path() string {
	switch {
	case i.link:
		return "/click"
	case i.click != nil:
		return "/v1/clicks"
	case i.install != nil:
		return "/v1/installs"
	case i.event != nil:
		return "/v1/events"
	default:
		return "/v1/consents"
	}
}

func (i dayItem) body() any {
	switch {
	case i.click != nil:
		return i.click
	case i.install != nil:
		return i.install
	case i.event != nil:
		return i.event
	default:
		return i.consent
	}
}

// The bodies as the documentation writes them, not as the program reads them.
type (
	dayClick struct {
		ID          string    `json:"id"`
		App         int64     `json:"app_id"`
		Network     string    `json:"network_id"`
		Time        time.Time `json:"time"`
		Campaign    string    `json:"campaign_id,omitempty"`
		Interaction string    `json:"interaction,omitempty"`
		IDFA        string    `json:"idfa,omitempty"`
		IP          string    `json:"ip,omitempty"`
	}
	dayInstall struct {
		ID        string    `json:"id"`
		App       int64     `json:"app_id"`
		Time      time.Time `json:"time"`
		ClickID   string    `json:"click_id,omitempty"`
		IDFA      string    `json:"idfa,omitempty"`
		IDFV      string    `json:"idfv,omitempty"`
		IP        string    `json:"ip,omitempty"`
		ATT       string    `json:"att_status,omitempty"`
		Limited   bool      `json:"limited_data_sharing,omitempty"`
		GDPR      bool      `json:"gdpr_applies,omitempty"`
		Purposes  []int     `json:"gdpr_purposes,omitempty"`
		Reinstall bool      `json:"reinstall,omitempty"`
	}
	dayEvent struct {
		ID       string    `json:"id,omitempty"`
		App      int64     `json:"app_id"`
		Install  string    `json:"install_id"`
		Name     string    `json:"name"`
		Time     time.Time `json:"time"`
		Revenue  string    `json:"revenue,omitempty"`
		Currency string    `json:"currency,omitempty"`
	}
	dayConsent struct {
		ID       string    `json:"id,omitempty"`
		App      int64     `json:"app_id"`
		Install  string    `json:"install_id"`
		Time     time.Time `json:"time"`
		ATT      string    `json:"att_status,omitempty"`
		Limited  *bool     `json:"limited_data_sharing,omitempty"`
		GDPR     *bool     `json:"gdpr_applies,omitempty"`
		Purposes []int     `json:"gdpr_purposes,omitempty"`
	}
)

// dayDevice is a phone. Its identifiers stand in no other.
type dayDevice struct {
	idfa, idfv, ip string
	clicks         []*dayClick
}

// dayWorld is what happens, by the half hour in which it is reported.
type dayWorld struct {
	rng     *rand.Rand
	devices []*dayDevice
	steps   [daySteps][]dayItem
	clicks  []*dayClick
	tests   []string // identifiers of the app's own phones
}

// newDay draws a day with so many clicks.
func newDay(seed uint64, clicks int) *dayWorld {
	w := &dayWorld{rng: rand.New(rand.NewPCG(seed, 66))}
	for i := range clicks * 2 / 5 {
		w.devices = append(w.devices, &dayDevice{
			idfa: w.uuid(), idfv: w.uuid(), ip: fmt.Sprintf("198.18.%d.%d", i/250, 1+i%250),
		})
	}
	for len(w.clicks) < clicks {
		w.click(w.devices[w.rng.IntN(len(w.devices))])
	}
	for i, d := range w.devices[:clicks*3/10] {
		installs := 1
		if w.chance(0.08) {
			installs = 2 + w.rng.IntN(2)
		}
		for range installs {
			w.install(d)
		}
		if i%200 == 0 {
			w.tests = append(w.tests, []string{d.idfa, d.idfv}[i/200%2])
		}
	}
	w.repeat()
	w.absurd()
	for _, items := range w.steps {
		w.rng.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
	}
	return w
}

func (w *dayWorld) chance(p float64) bool { return w.rng.Float64() < p }

func (w *dayWorld) span(d time.Duration) time.Duration {
	return time.Duration(w.rng.Int64N(int64(d))).Truncate(time.Millisecond)
}

func (w *dayWorld) uuid() string {
	var u uuid.UUID
	for i := range u {
		u[i] = byte(w.rng.Uint32())
	}
	return strings.ToUpper(u.String())
}

// stepNow is the time at which the reports of a step come.
func stepNow(step int) time.Time { return dayStart.Add(time.Duration(step+1) * dayStep) }

// report lets an item come in the half hour in which it happened, a good deal later,
// or, by a clock that is ahead, before.
func (w *dayWorld) report(happened time.Time, i dayItem) int {
	step := max(0, int(happened.Sub(dayStart)/dayStep))
	switch p := w.rng.Float64(); {
	case happened.Before(dayStart):
		step = w.rng.IntN(daySteps / 2)
	case p < 0.25:
		step += w.rng.IntN(20)
	case p < 0.27:
		step -= w.rng.IntN(30)
	}
	step = min(max(step, 0), daySteps-1)
	w.steps[step] = append(w.steps[step], i)
	return step
}

// click draws an interaction of the last three weeks, now and then two in one moment.
func (w *dayWorld) click(d *dayDevice) {
	c := &dayClick{
		ID: "c" + w.uuid(), App: dayApp, Network: dayNetworks[w.rng.IntN(4)], IP: d.ip,
		Time: dayStart.Add(24*time.Hour - w.span(22*24*time.Hour)), Campaign: fmt.Sprint("k", w.rng.IntN(9)),
		Interaction: []string{"", "click", "view"}[w.rng.IntN(3)],
	}
	switch p := w.rng.Float64(); {
	case p < 0.5:
		c.IDFA = []string{d.idfa, strings.ToLower(d.idfa)}[w.rng.IntN(2)]
	case p < 0.55:
		c.IDFA = "00000000-0000-0000-0000-000000000000"
	}
	if w.chance(0.6) { // most people click on the day
		c.Time = dayStart.Add(w.span(24 * time.Hour))
	}
	if w.chance(0.1) {
		c.Network = strings.ToUpper(c.Network[:1]) + c.Network[1:]
	}
	if last := len(d.clicks) - 1; last >= 0 && w.chance(0.1) {
		c.Time, c.IDFA, d.clicks[last].IDFA = d.clicks[last].Time, d.idfa, d.idfa
	}
	item := dayItem{click: c}
	switch {
	case w.chance(0.03):
		c.App = dayOtherApp
	case !strings.EqualFold(c.Network, "delta.example") && w.chance(0.12): // who isn't known has no links
		item.link, c.IP = true, ""
	}
	step := w.report(c.Time, item)
	if item.link {
		c.Time = stepNow(step) // a link is followed when it is followed
	}
	w.clicks = append(w.clicks, c)
	d.clicks = append(d.clicks, c)
}

// install draws a first launch, mostly after a click of the device, mostly named.
func (w *dayWorld) install(d *dayDevice) {
	in := &dayInstall{
		ID: "i" + w.uuid(), App: dayApp, Time: dayStart.Add(w.span(24 * time.Hour)), IDFA: d.idfa, IDFV: d.idfv, IP: d.ip,
		ATT:     []string{"authorized", "authorized", "authorized", "denied", "restricted", "not_determined", ""}[w.rng.IntN(7)],
		Limited: w.chance(0.07), GDPR: w.chance(0.2), Reinstall: w.chance(0.04),
	}
	if in.GDPR {
		in.Purposes = [][]int{{1, 7}, {1, 2, 3, 7, 9}, {1}, {7, 10}, nil}[w.rng.IntN(5)]
	}
	if len(d.clicks) > 0 {
		c := d.clicks[w.rng.IntN(len(d.clicks))]
		if w.chance(0.7) {
			in.Time = c.Time.Add(w.span([]time.Duration{12 * time.Second, 8 * time.Hour}[w.rng.IntN(2)]))
		}
		if w.chance(0.7) {
			in.ClickID = c.ID
		}
	}
	if in.ClickID == "" {
		switch p := w.rng.Float64(); {
		case p < 0.4: // somebody else's
			in.ClickID = w.clicks[w.rng.IntN(len(w.clicks))].ID
		case p < 0.5: // nobody's
			in.ClickID = "c" + w.uuid()
		}
	}
	if oldest := dayStart.Add(-24 * time.Hour); in.Time.Before(oldest) {
		in.Time = oldest.Add(w.span(24 * time.Hour))
	}
	if w.chance(0.02) {
		in.App = dayOtherApp
	}
	if w.chance(0.01) {
		w.tests = append(w.tests, in.ID)
	}
	step := -1 // nobody ever reports it
	if !w.chance(0.02) {
		step = w.report(in.Time, dayItem{install: in})
	}
	for range w.rng.IntN(5) {
		w.event(in)
	}
	if w.chance(0.15) {
		w.withdraw(in, step)
	}
}

func (w *dayWorld) event(in *dayInstall) {
	e := &dayEvent{ID: "e" + w.uuid(), App: in.App, Install: in.ID, Name: []string{"purchase", "purchase", "level_10", "login", "mystery"}[w.rng.IntN(5)]}
	e.Time = in.Time.Add(w.span(14 * time.Hour))
	if w.chance(0.05) {
		e.Time = in.Time.Add(-w.span(40 * time.Hour))
	}
	if e.Name == "purchase" {
		cents := w.rng.IntN(1500)
		e.Currency = []string{"USD", "EUR", "JPY", "SEK"}[w.rng.IntN(4)]
		switch {
		case e.Currency == "JPY":
			cents *= 100
		case w.chance(0.1):
			cents = 400 // exactly the minimum, in euros
		}
		e.Revenue = fmt.Sprintf("%d.%02d", cents/100, cents%100)
	}
	if w.chance(0.1) {
		e.ID = ""
	}
	if !e.Time.After(stepNow(daySteps - 1)) {
		w.report(e.Time, dayItem{event: e})
	}
}

// withdraw lets a person take something back, mostly after the install, and often
// before anything of the install was sent; what was answered before the install's own
// answer counts for nothing. step is that of the install, -1 if it never comes.
func (w *dayWorld) withdraw(in *dayInstall, step int) {
	yes := true
	c := &dayConsent{ID: "w" + w.uuid(), App: in.App, Install: in.ID, Time: in.Time.Add(1 + w.span(6*time.Hour))}
	if w.chance(0.2) {
		c.Time = in.Time.Add(-w.span(3 * time.Hour))
	}
	switch w.rng.IntN(4) {
	case 0:
		c.ATT = "denied"
	case 1:
		c.Limited = &yes
	case 2:
		c.GDPR, c.Purposes = &yes, []int{2, 7}
	default:
		c.ATT, c.Limited = "restricted", &yes
	}
	if w.chance(0.2) {
		c.ID = ""
	}
	switch {
	case step >= 0 && w.chance(0.5):
		w.steps[step] = append(w.steps[step], dayItem{consent: c})
	case !c.Time.After(stepNow(daySteps - 1)):
		w.report(c.Time, dayItem{consent: c})
	}
}

// repeat sends some items once more, half of them changed: the first word counts.
func (w *dayWorld) repeat() {
	for step, items := range w.steps {
		for _, i := range slices.Clone(items) {
			if !w.chance(0.05) {
				continue
			}
			later := step + w.rng.IntN(daySteps-step)
			changed := w.chance(0.5)
			switch {
			case i.link && later != step:
				c := *i.click
				c.Time, i.click = stepNow(later), &c
			case i.click != nil && changed && !i.link:
				c := *i.click
				c.Network, c.Time, i.click = "beta.example", c.Time.Add(-time.Hour), &c
			case i.install != nil && changed:
				in := *i.install
				in.ClickID, in.ATT, in.Limited, i.install = "", "authorized", false, &in
			}
			w.steps[later] = append(w.steps[later], i)
		}
	}
}

// absurd items are refused, each by its own code.
func (w *dayWorld) absurd() {
	for range 10 {
		step := w.rng.IntN(daySteps)
		for _, off := range []time.Duration{25 * time.Hour, -401 * 24 * time.Hour} {
			when := stepNow(step).Add(off)
			w.steps[step] = append(w.steps[step],
				dayItem{click: &dayClick{ID: "x" + w.uuid(), App: dayApp, Network: "alpha.example", Time: when}},
				dayItem{install: &dayInstall{ID: "x" + w.uuid(), App: dayApp, Time: when}},
				dayItem{event: &dayEvent{ID: "x" + w.uuid(), App: dayApp, Install: "x", Name: "login", Time: when}})
		}
	}
}
