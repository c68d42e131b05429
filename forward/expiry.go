package forward

import (
	"time"
)

// expiry is when a delivery of a conversion ends undelivered: so long after what the
// destination counts from. Where the click is not known it is counted from the
// install, and where that is not known from the event itself.
func expiry(d Destination, c Conversion) time.Time {
	from := c.OccurredAt
	switch d.ExpiresFrom {
	case FromInstall:
		from = orTime(c.InstalledAt, c.OccurredAt)
	case FromClick:
		from = orTime(c.ClickedAt, orTime(c.InstalledAt, c.OccurredAt))
	}
	return from.Add(d.Expires)
}

func orTime(t, other time.Time) time.Time {
	if t.IsZero() {
		return other
	}
	return t
}
