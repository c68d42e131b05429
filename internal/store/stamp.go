package store

import (
	"fmt"
	"time"
)

// Stamp is a published time; it reads what either database gives and prints as
// RFC 3339 in UTC.
type Stamp time.Time

// Scan implements sql.Scanner.
func (s *Stamp) Scan(src any) error {
	switch v := src.(type) {
	case time.Time:
		*s = Stamp(v.UTC())
		return nil
	case string:
		t, err := time.Parse(time.RFC3339, v)
		if err != nil {
			return fmt.Errorf("published time: %w", err)
		}
		*s = Stamp(t.UTC())
		return nil
	}
	return fmt.Errorf("published time: unexpected type %T", src)
}

// String is RFC 3339 in UTC.
func (s Stamp) String() string { return time.Time(s).UTC().Format(time.RFC3339) }

// MarshalText implements encoding.TextMarshaler.
func (s Stamp) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
