package conversion

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Decision is what attribution concluded for one install, with all that it looked
// at. It is a function of facts alone, so whoever holds the facts can check it.
type Decision struct {
	Attributed  bool         `json:"attributed"`
	ClickID     string       `json:"click_id,omitempty"`    // of the touch that won; "" when organic
	NetworkID   string       `json:"network_id,omitempty"`  // lower case; "" when organic
	CampaignID  string       `json:"campaign_id,omitempty"` // of the touch that won
	Method      string       `json:"method,omitempty"`      // click_id or idfa; "" when organic
	Interaction string       `json:"interaction,omitempty"` // click or view
	TouchTime   time.Time    `json:"touch_time,omitzero"`
	Reason      string       `json:"reason"` // stable code, see the Reasons
	Flags       []string     `json:"flags,omitempty"`
	ReengagedBy string       `json:"reengaged_by,omitempty"` // click id that would have won, had the person been new
	Considered  []Considered `json:"considered,omitempty"`   // the named click first, then the latest
}

// Considered is one touch that attribution looked at, and what became of it.
type Considered struct {
	ClickID     string    `json:"click_id"`
	NetworkID   string    `json:"network_id,omitempty"`
	Interaction string    `json:"interaction,omitempty"`
	Time        time.Time `json:"time,omitzero"`
	Verdict     string    `json:"verdict"` // VerdictTaken or why it was passed over
}

// Name of the decision as it is stored.
func (d Decision) Name() string {
	if d.Attributed {
		return "attributed"
	}
	return "organic"
}

// The reasons of a decision. Those about a click, and the last two, are also
// verdicts on single touches.
const (
	ReasonClickID           = "click_id"    // attributed: by the click that the install names
	ReasonIDFA              = "idfa"        // attributed: by the last touch with its idfa
	ReasonNoClickID         = "no_click_id" // it names no click, and has no idfa that may be matched
	ReasonNoTouch           = "no_touch"    // it names no click, and no touch with its idfa fits
	ReasonClickUnknown      = "click_unknown"
	ReasonClickAlreadyUsed  = "click_already_used"
	ReasonClickAfterInstall = "click_after_install"
	ReasonOutsideWindow     = "outside_window"
	ReasonReinstall         = "reinstall"    // the app says that it was there before
	ReasonKnownDevice       = "known_device" // an earlier install came from the same device
)

// The verdicts that are no reason.
const (
	VerdictTaken        = "taken"
	VerdictEarlierTouch = "earlier_touch"  // it would fit; a later one won
	VerdictNamedFirst   = "click_id_first" // it would fit; the click that the install names won
)

// The interactions. A touch without one is a click.
const (
	InteractionClick = "click"
	InteractionView  = "view"
)

// Windows are how long before an install a touch of a network may lie, inclusive.
type Windows struct {
	Click time.Duration
	View  time.Duration
}

// DefaultWindows are the field's: seven days after a click, one after a view.
func DefaultWindows() Windows { return Windows{Click: 7 * 24 * time.Hour, View: 24 * time.Hour} }

func (w Windows) of(interaction string) time.Duration {
	if interaction == InteractionView {
		return w.View
	}
	return w.Click
}

// Touch is a click or a view of the install's app, as attribution sees it.
type Touch struct {
	ID          string // the network's
	NetworkID   string
	CampaignID  string
	Interaction string // click (also where empty) or view
	Time        time.Time
	UsedBy      string // install that it was attributed to, "" while none; written like Install.ID
}

// KnownDevice is the earliest other install of the app from the same device.
type KnownDevice struct {
	InstallID string
	Time      time.Time
}

// Decide attributes an install, or says why not.
//
// named is the click that the install names, nil while it is unknown. matched are
// the touches of the app with the install's idfa, in any order; without consent they
// are ignored, see Permit. windows gives each network's; nil stands for the defaults.
// known is an install that the same device made before this one (by time, then by
// id), or nil: a person is won once, and comes back ever after.
//
// Times count in whole milliseconds, as they are stored. Several installs that one
// new click concerns are decided in the order of their time, then of their id.
func Decide(in *Install, named *Touch, matched []Touch, windows func(networkID string) Windows, known *KnownDevice) Decision {
	r := ruling{in: in, windows: windows}
	if in.ClickID != "" {
		r.judgeNamed(named)
	}
	if in.permit().Match && KnownIDFA(in.IDFA) != "" {
		r.judgeMatched(named, matched)
	}
	d := r.close(known)
	d.Flags = fraudFlags(in, &d, r.namedVerdict)
	return d
}

// ruling gathers what a decision stands on.
type ruling struct {
	in           *Install
	windows      func(networkID string) Windows
	namedVerdict string // "" where no click is named
	winner       *Touch
	method       string
	matchedSome  bool // an idfa was there to match by
	considered   []Considered
}

func (r *ruling) judgeNamed(named *Touch) {
	if named == nil {
		r.namedVerdict = ReasonClickUnknown
		r.considered = append(r.considered, Considered{ClickID: r.in.ClickID, Verdict: ReasonClickUnknown})
		return
	}
	r.namedVerdict = r.fits(named)
	if r.namedVerdict == VerdictTaken {
		r.winner, r.method = named, ReasonClickID
	}
	r.note(named, r.namedVerdict)
}

func (r *ruling) judgeMatched(named *Touch, matched []Touch) {
	r.matchedSome = true
	matched = slices.SortedFunc(slices.Values(matched), lastFirst)
	for i := range matched {
		t := &matched[i]
		if named != nil && t.ID == named.ID {
			continue // judged above
		}
		verdict := r.fits(t)
		switch {
		case verdict != VerdictTaken:
		case r.winner == nil:
			r.winner, r.method = t, ReasonIDFA
		case r.method == ReasonClickID:
			verdict = VerdictNamedFirst
		default:
			verdict = VerdictEarlierTouch
		}
		r.note(t, verdict)
	}
}

// lastFirst orders touches by their claim: the later, then a click before a view,
// then the smaller id, so that the order of arrival never decides.
func lastFirst(a, b Touch) int {
	return cmp.Or(
		cmp.Compare(b.Time.UnixMilli(), a.Time.UnixMilli()),
		cmp.Compare(interactionOf(&a), interactionOf(&b)), // "click" < "view"
		cmp.Compare(a.ID, b.ID),
	)
}

// fits is VerdictTaken, or why the touch can't have led to the install.
func (r *ruling) fits(t *Touch) string {
	within := DefaultWindows()
	if r.windows != nil {
		within = r.windows(strings.ToLower(t.NetworkID))
	}
	before := time.Duration(r.in.Time.UnixMilli()-t.Time.UnixMilli()) * time.Millisecond
	switch {
	case t.UsedBy != "" && t.UsedBy != r.in.ID:
		return ReasonClickAlreadyUsed
	case before < 0:
		return ReasonClickAfterInstall
	case before > within.of(interactionOf(t)):
		return ReasonOutsideWindow
	}
	return VerdictTaken
}

func (r *ruling) note(t *Touch, verdict string) {
	r.considered = append(r.considered, Considered{
		ClickID: t.ID, NetworkID: strings.ToLower(t.NetworkID), Interaction: interactionOf(t), Time: t.Time, Verdict: verdict,
	})
}

// close turns the ruling into a decision. A person who was there before is not won
// again: the touch that brought them back is kept, and never sent as an install.
func (r *ruling) close(known *KnownDevice) Decision {
	back := ""
	switch {
	case r.in.Reinstall:
		back = ReasonReinstall
	case known != nil && known.InstallID != r.in.ID && !known.Time.After(r.in.Time):
		back = ReasonKnownDevice
	}
	if r.winner == nil || back != "" {
		d := Decision{Reason: cmp.Or(back, r.withoutWinner()), Considered: r.considered}
		if r.winner != nil {
			d.ReengagedBy = r.winner.ID
			for i := range d.Considered {
				if d.Considered[i].Verdict == VerdictTaken {
					d.Considered[i].Verdict = back
				}
			}
		}
		return d
	}
	return Decision{
		Attributed: true, ClickID: r.winner.ID, NetworkID: strings.ToLower(r.winner.NetworkID), CampaignID: r.winner.CampaignID,
		Method: r.method, Interaction: interactionOf(r.winner), TouchTime: r.winner.Time, Reason: r.method, Considered: r.considered,
	}
}

func (r *ruling) withoutWinner() string {
	switch {
	case r.namedVerdict != "":
		return r.namedVerdict
	case r.matchedSome:
		return ReasonNoTouch
	default:
		return ReasonNoClickID
	}
}

func interactionOf(t *Touch) string { return cmp.Or(t.Interaction, InteractionClick) }
