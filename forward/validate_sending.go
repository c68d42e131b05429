package forward

// checkSending checks when, how often and how fast requests are made.
func (d Destination) checkSending(fault faulting) {
	if _, err := ParseSchedule(d.Schedule); err != nil {
		fault("schedule", "%v", err)
	}
	fault.only("expires_from", d.ExpiresFrom, FromEvent, FromInstall, FromClick)
	if d.InFlight < 1 || d.InFlight > 64 {
		fault("in_flight", "is %d; it must be between 1 and 64", d.InFlight)
	}
	if _, err := parseRate(d.Rate); err != nil {
		fault("rate", "%q: %v", d.Rate, err)
	}
}
