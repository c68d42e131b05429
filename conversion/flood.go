package conversion

import (
	"time"

	"skand/skan"
)

// Bounds on what is stored of bodies that do not verify, per hour. A forger can
// post for nothing; the disk is ours. What is unsupported has a wide bound of its
// own, for a new key or version of Apple's looks like a flood and is worth keeping.
const (
	MaxQuarantined = 1_000   // per Flood: path, client network, framework and version
	MaxUnsupported = 100_000 // over everything
)

// Flood is what the bound of a body is counted by.
type Flood struct {
	Hour      int64 // its start, milliseconds UTC
	Class     State // Quarantined or Unsupported
	Source    string
	Client    string
	Framework skan.Framework
	Version   string
}

// FloodOf tells the bound that a body which claims nothing falls under.
func FloodOf(c *Copy, s State) (Flood, int64) {
	f := Flood{Hour: c.ReceivedAt.UTC().Truncate(time.Hour).UnixMilli(), Class: s}
	if s == Unsupported {
		return f, MaxUnsupported
	}
	f.Source, f.Client, f.Framework = string(c.Source), c.Client, c.Result.Framework
	if c.Relay != "" {
		f.Source += ":" + c.Relay
	}
	f.Version = KnownVersion(c.Result.Version)
	return f, MaxQuarantined
}

// KnownVersion is a SKAdNetwork version as Apple numbers them, or "other": what a
// stranger can make up must not make a bound, or a metric, of its own.
func KnownVersion(v string) string {
	switch v {
	case "", "1.0", "2.0", "2.1", "2.2", "3.0", "4.0":
		return v
	}
	return "other"
}

// Kept is how many of n bodies that have just come are stored, when seen of their
// flood have come by now, n included.
func Kept(n, seen, bound int64) int64 {
	return max(0, min(n, bound-(seen-n)))
}
