package web

import (
	"fmt"
	"strings"

	"skand/internal/web/pages"
)

// figures fills the headline figures.
func (o *overviewer) figures() {
	if o.page.Endpoint.New {
		return
	}
	o.page.Figures = []pages.Figure{o.arrivedFigure(), o.installsFigure(), o.nullsFigure(), o.deliveredFigure()}
}

func (o *overviewer) arrivedFigure() pages.Figure {
	f := pages.Figure{Name: "Verified copies today", Tone: "observed"}
	f.Value = o.quantity(o.today[0]).In(o.locale)
	f.Note = "yesterday " + o.quantity(o.before[0]).In(o.locale)
	if !o.exact {
		f.Tone = "words"
		return f
	}
	f.Spark = pages.NewSpark("Verified copies by day, without today", o.daily[:max(len(o.daily)-1, 0)])
	if bad := o.before[1] + o.today[1]; bad > 0 {
		f.Note += ", " + o.locale.Percent(float64(bad)/float64(bad+o.before[0]+o.today[0])) + " of two days not verified"
	}
	return f
}

func (o *overviewer) installsFigure() pages.Figure {
	f := pages.Figure{Name: "Installs, newest window", Tone: "observed"}
	if !o.sealed.any {
		f.Value, f.Note, f.Tone = "not yet", "the first window is not sealed", "words withheld"
		return f
	}
	f.Value, f.Note = o.locale.Int(o.sealed.installs), o.sealed.window
	if !o.sealed.same {
		f.Note = "of each app"
	}
	f.Spark = pages.NewSpark("Installs by week", o.sealed.weekly)
	if n := len(o.sealed.weekly); n > 1 && o.sealed.same && o.sealed.weekly[n-2] > 0 {
		change := o.sealed.weekly[n-1]/o.sealed.weekly[n-2] - 1
		f.Note += ", " + signed(o.locale, change) + " by the week"
	}
	if len(o.chosen) == 1 {
		f.Link = fmt.Sprintf("/cohorts?app=%d", o.chosen[0].ID)
	}
	return f
}

// signed writes a change with its sign.
func signed(l pages.Locale, change float64) string {
	if change >= 0 {
		return "+" + l.Percent(change)
	}
	return "\u2212" + l.Percent(-change)
}

func (o *overviewer) nullsFigure() pages.Figure {
	f := pages.Figure{Name: "Installs without a value", Tone: "observed"}
	switch {
	case !o.sealed.any:
		f.Value, f.Tone = "not yet", "words withheld"
	case o.sealed.nullsNone:
		f.Value, f.Tone, f.Note = "withheld", "words withheld", "too few on one side"
	default:
		f.Value, f.Note = o.locale.Percent(float64(o.sealed.nulls)/float64(max(o.sealed.installs, 1))), "Apple left the value out: small crowds"
		if o.sealed.nullsLeast {
			f.Value = "≥\u202f" + f.Value
		}
	}
	return f
}

func (o *overviewer) deliveredFigure() pages.Figure {
	if !o.page.Out.Exact {
		f := pages.Figure{Name: "Networks told", Tone: "observed", Value: "not yet", Note: "published once a week"}
		told, withheld := 0, 0
		for _, line := range o.page.Out.Lines {
			if line.RateTone == "withheld" {
				withheld++
			} else {
				told++
			}
		}
		f.Tone = "words"
		switch {
		case told > 0 && told+withheld == 1:
			f.Value = o.page.Out.Lines[0].Rate
		case told > 0:
			f.Value = fmt.Sprintf("%d of %d published", told, told+withheld)
		case withheld > 0:
			f.Value, f.Tone = "withheld", "words withheld"
		}
		if o.page.Out.Week != "" {
			f.Note = o.page.Out.Week
		}
		return f
	}
	f := pages.Figure{Name: "Delivered, last 24 hours", Tone: "words", Value: "nothing to send", Note: "no destination had a conversion"}
	var eligible, delivered int64
	for _, h := range o.health {
		eligible, delivered = eligible+h.Figures.Eligible, delivered+h.Figures.Delivered
	}
	if eligible > 0 {
		rate := float64(delivered) / float64(eligible)
		f.Value, f.Tone, f.Note = o.locale.Percent(rate), "observed", "of "+o.locale.Int(eligible)
		if rate < o.Thresholds.DeliveryRate {
			f.Note += ", the target is " + o.locale.Percent(o.Thresholds.DeliveryRate)
		}
	}
	return f
}

// summary is the page in a sentence: the worst first.
func (o *overviewer) summary() {
	s := &o.page.Summary
	late := 0
	for _, j := range o.page.Jobs {
		if j.Late {
			late++
		}
	}
	silent := o.site().Arrivals != nil && o.today[0]+o.before[0] == 0
	switch {
	case o.page.Endpoint.New:
		s.Tone, s.Says = "new", "Nothing has arrived yet. Three steps, and the first postback shows here within a minute of its arrival."
	case len(o.page.Alerts) > 0:
		s.Tone, s.Says = "alert", things(len(o.page.Alerts))+" of what goes out needs a look."
		if len(o.page.Alerts) > 1 {
			s.Says = things(len(o.page.Alerts)) + " of what goes out need a look."
		}
	case len(o.page.Broken) > 0:
		s.Tone, s.Says = "alert", "Part of this page could not be read: "+strings.ToLower(strings.Join(o.page.Broken, ", "))+"."
	case silent:
		s.Tone, s.Says = "watch", "No verified copy arrived today or yesterday. See that the endpoint is reached and that the app is advertised."
	case late > 0:
		s.Tone, s.Says = "watch", things(late)+" among the jobs did not run when it should have."
	case !o.sealed.any:
		s.Tone, s.Says = "good", "Copies arrive. The first window is published once it is over."
		if len(o.page.Apps) > 0 && o.page.Apps[0].NextSeal != nil {
			s.Says = "Copies arrive. The first figures are published " + pages.Ago(*o.page.Apps[0].NextSeal, o.now) + ", on " + pages.Clock(*o.page.Apps[0].NextSeal) + "."
		}
	default:
		s.Tone, s.Says = "good", "All is well: copies arrive, "+o.sealedWords()+" is sealed, and nothing waits for anybody."
	}
}

func (o *overviewer) sealedWords() string {
	if o.sealed.same {
		return "the window of " + o.sealed.window
	}
	return "each app’s newest window"
}

func things(n int) string {
	if n == 1 {
		return "One thing"
	}
	return fmt.Sprintf("%d things", n)
}
