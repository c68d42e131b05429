package conversion

import "time"

// AdoptedBy is when every phone sets values by a version that takes effect at
// from: until then one may hold the mapping before it. Whoever hands mappings out
// must not let them be kept for longer.
func AdoptedBy(from time.Time) time.Time { return from.Add(adoption) }
