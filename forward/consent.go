package forward

// ofPerson reports whether a conversion is about somebody. A published figure is about
// a crowd, and a postback about whom nobody can tell.
func (c Conversion) ofPerson() bool {
	switch c.Kind {
	case KindModeled, KindPostback:
		return false
	}
	return true
}

// consent is the state by which a destination's templates are chosen: authorized, or
// denied for every other ATT status and for whom the GDPR protects; "" of what is
// nobody's. Limited Data Sharing is no state: it blocks.
func (c Conversion) consent() string {
	if !c.ofPerson() {
		return ""
	}
	return ConsentState(c.Att, c.Refused)
}

// ConsentState is the state of consent of a person's deliveries. refused: the GDPR
// applies, and what is needed was not consented to.
func ConsentState(att string, refused bool) string {
	if att == AttAuthorized && !refused {
		return consentAuthorized
	}
	return consentDenied
}

// SendsIn reports whether the destination may be sent what is somebody's in this state
// of consent. It is asked again for what waits when a person's consent changes.
func (d Destination) SendsIn(consent string) bool {
	if consent == "" {
		return true
	}
	if d.NetworkID == "" && consent != consentAuthorized {
		return false
	}
	if d.Consent == nil {
		return true
	}
	t := d.Consent.Denied
	if consent == consentAuthorized {
		t = d.Consent.Authorized
	}
	return t == nil || !t.Block
}

func (d Destination) checkConsent(fault faulting) {
	c := d.Consent
	if c == nil {
		return
	}
	if c.Limited != nil && !c.Limited.Block {
		fault("consent.limited", "Limited Data Sharing lets nothing leave, so no template can stand here; write block, or leave it out")
	}
	if c.Authorized != nil && c.Authorized.Block && c.Denied != nil && c.Denied.Block && !d.takesOther() {
		fault("consent", "blocks both authorized and denied, so nothing would ever be sent; let one of them send")
	}
	if d.NetworkID == "" && c.Denied != nil && !c.Denied.Block {
		fault("consent.denied", "a destination without network_id hears of consenting people only, so no template can stand here; write block, or leave it out")
	}
}

// takesOther reports whether the destination takes a kind that is nobody's.
func (d Destination) takesOther() bool {
	for _, kind := range d.Kinds {
		if kind == KindModeled || kind == KindPostback {
			return true
		}
	}
	return false
}
