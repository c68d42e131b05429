package conversion

import (
	"cmp"
	"context"
	"strings"
)

// ReviewRejected is what an operator said of an install that they took for fraud.
const ReviewRejected = "rejected"

// AttributionRejected is the attribution_type of a claim that was refused. Who won
// instead, if anybody, is none of the claiming network's business.
const AttributionRejected = "rejected"

// RefusedClaim is the click that the install names and that did not win it, where it
// is known and its network did not win by another touch; else nil. A network claims
// by the click id that the app hands on: touches found by idfa claim nothing.
func (in *KeptInstall) RefusedClaim() *Considered {
	if in.ClickID == "" || len(in.Decision.Considered) == 0 {
		return nil
	}
	c := &in.Decision.Considered[0] // the named one comes first
	switch {
	case c.ClickID != in.ClickID, c.NetworkID == "", c.Verdict == VerdictTaken:
		return nil
	case in.Decision.Attributed && strings.EqualFold(in.Decision.NetworkID, c.NetworkID):
		return nil
	}
	return c
}

// ClaimOut is what the network of a refused claim is told of the install. click is the
// click that was refused, or nil where it is gone.
func ClaimOut(in *KeptInstall, claim *Considered, click *Click) Outgoing {
	o := InstallOut(in, nil)
	if click != nil {
		nameClick(o.Fields, click)
	}
	o.Fields["click_id"], o.Fields["network_id"] = claim.ClickID, strings.ToLower(claim.NetworkID)
	o.Fields["attribution_type"] = AttributionRejected
	for name, value := range o.Fields {
		if value == "" {
			delete(o.Fields, name)
		}
	}
	o.NetworkID, o.ClickedAt, o.Rejection = strings.ToLower(claim.NetworkID), claim.Time, claim.Verdict
	return o
}

// eventOut is what an event looks like on its way out: what the app's catalogue does
// not count is no conversion, and its network is told so.
func eventOut(e *KeptEvent, in *KeptInstall, click *Click) Outgoing {
	o := EventOut(e, in, click)
	o.Rejection = cmp.Or(o.Rejection, e.Uncounted())
	return o
}

// sendClaim tells a network that the click it claims an install by did not win.
func sendClaim(ctx context.Context, l Ledger, in *KeptInstall) error {
	claim := in.RefusedClaim()
	if claim == nil {
		return nil
	}
	click, err := l.Click(ctx, in.AppID, claim.ClickID)
	if err != nil {
		return err
	}
	return l.Enqueue(ctx, ClaimOut(in, claim, click))
}

// SendReviewed hands over again what is kept of an install that an operator has judged:
// of a rejected one its network hears that nobody is billed. What a destination has
// under the same key it does not get again.
func SendReviewed(ctx context.Context, l Ledger, in *KeptInstall) error {
	click, err := clickOf(ctx, l, in)
	if err != nil {
		return err
	}
	if err := l.Enqueue(ctx, InstallOut(in, click)); err != nil {
		return err
	}
	events, err := l.Events(ctx, in.AppID, in.ID)
	if err != nil {
		return err
	}
	for i := range events {
		if err := l.Enqueue(ctx, eventOut(&events[i], in, click)); err != nil {
			return err
		}
	}
	return nil
}
