package conversion

import "time"

// The flags of an install that looks like fraud. They change no decision: they hold
// its deliveries where a destination asks for that, until a person has looked.
const (
	FlagFastInstall = "click_to_install_under_10s"
	FlagReusedClick = "reused_click_id"
	FlagAfterWindow = "after_window"
	FlagDuplicate   = "duplicate"
)

// fastInstall is less than the store page, a confirmation, the download and the first
// launch take: a click that close before the launch was made to catch an install
// that was under way.
const fastInstall = 10 * time.Second

// fraudFlags says what is odd about an install. namedVerdict is that on the click
// which the install names, "" where it names none. A reinstall that the app itself
// reports is honest, and no duplicate; so is a view shortly before a launch, for
// people may well see an ad while they download.
func fraudFlags(in *Install, d *Decision, namedVerdict string) []string {
	var flags []string
	if d.Attributed && d.Interaction == InteractionClick &&
		in.Time.UnixMilli()-d.TouchTime.UnixMilli() < fastInstall.Milliseconds() {
		flags = append(flags, FlagFastInstall)
	}
	switch namedVerdict {
	case ReasonClickAlreadyUsed:
		flags = append(flags, FlagReusedClick)
	case ReasonOutsideWindow:
		flags = append(flags, FlagAfterWindow)
	}
	if d.Reason == ReasonKnownDevice {
		flags = append(flags, FlagDuplicate)
	}
	return flags
}
