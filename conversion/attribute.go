package conversion

import "time"

// Decision is what attribution concluded for one install, with its reason.
type Decision struct {
	Attributed bool
	ClickID    string
	NetworkID  string // "" when organic
	Reason     string // stable code
}

// Name of the decision as it is stored.
func (d Decision) Name() string {
	if d.Attributed {
		return "attributed"
	}
	return "organic"
}

// Windows are how long before an install an interaction may lie.
type Windows struct {
	Click time.Duration
	View  time.Duration
}

// DefaultWindows are the field's: seven days after a click, one after a view.
func DefaultWindows() Windows { return Windows{Click: 7 * 24 * time.Hour, View: 24 * time.Hour} }

// Touch is a click as attribution sees it.
type Touch struct {
	ID          string
	NetworkID   string
	Interaction string
	Time        time.Time
	UsedBy      string // install that it was already attributed to
}

// Attribute decides an install by its click id. touch is the click with that id,
// or nil while none is known: the decision is then taken again when it comes. A
// reinstall is never attributed a second time, a click never twice.
func Attribute(in *Install, touch *Touch, w Windows) Decision {
	no := func(reason string) Decision { return Decision{ClickID: in.ClickID, Reason: reason} }
	switch {
	case in.Reinstall:
		return no("reinstall")
	case in.ClickID == "":
		return no("no_click_id")
	case touch == nil:
		return no("click_unknown")
	case touch.UsedBy != "" && touch.UsedBy != in.ID:
		return no("click_already_used")
	case touch.Time.After(in.Time):
		return no("click_after_install")
	}
	within := w.Click
	if touch.Interaction == "view" {
		within = w.View
	}
	if in.Time.Sub(touch.Time) > within {
		return no("outside_window")
	}
	return Decision{Attributed: true, ClickID: touch.ID, NetworkID: touch.NetworkID, Reason: "click_id"}
}
