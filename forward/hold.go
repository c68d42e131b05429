package forward

import (
	"strings"
	"time"
)

// maxHold is how long a conversion may wait for a check: no network bills later.
const maxHold = 30 * 24 * time.Hour

// holdMargin is what is left of a delivery's life when its hold ends: several attempts.
const holdMargin = time.Hour

// ReviewRejected is what an operator who has looked at an install calls fraud: of it
// nothing is sent any more.
const ReviewRejected = "rejected"

// hold makes a delivery wait whose install looks like fraud, where the destination
// wants that: until an operator releases or rejects it, or the hold ends and it is
// sent. It ends before the delivery expires, for what is not judged is not to be lost.
func (d Destination) hold(c Conversion, of *Delivery) {
	if d.Hold == 0 || len(c.Flags) == 0 || c.Review != "" {
		return
	}
	until := of.CreatedAt.Add(d.Hold)
	if latest := of.ExpiresAt.Add(-holdMargin); until.After(latest) {
		until = latest
	}
	if until.After(of.DueAt) {
		of.DueAt, of.HoldReason = until, strings.Join(c.Flags, ",")
	}
}
