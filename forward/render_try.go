package forward

import (
	"context"
	"errors"
	"fmt"
)

// Try makes one attempt outside of the outbox: rendered, signed and sent as any other,
// through the same guarded client, but settled and counted nowhere. What the receiver
// answers is in the Attempt, secrets and identifiers cut out. The error is a fault of
// the definition, or of our own side (ErrKeyMissing); then nothing was sent.
func (d *Deliverer) Try(ctx context.Context, r Registered, dv Delivery) (Attempt, error) {
	program, err := Compile(r.Destination)
	if err != nil {
		return Attempt{}, fmt.Errorf("test %q: %w", r.Destination.ID, err)
	}
	started := d.Clock.Now()
	reply := d.send(ctx, errand{target: r, program: program}, dv)
	if errors.Is(reply.err, ErrKeyMissing) {
		return Attempt{}, fmt.Errorf("test %q: %w", r.Destination.ID, reply.err)
	}
	class, reason := Classify(reply.status, reply.err)
	return Attempt{
		DeliveryID: dv.ID, AppID: dv.AppID, Attempt: dv.Attempts, At: started, Duration: d.Clock.Now().Sub(started),
		Class: class, Status: reply.status, Reason: printable(reason, reasonKept), Answer: reply.answer, TemplateVersion: r.TemplateVersion,
	}, nil
}
