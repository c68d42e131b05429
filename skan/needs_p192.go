package skan

// NeedsP192 reports whether Verify would come to the P-192 curve with this body:
// an object that claims SKAdNetwork 1.0 or 2.0. It reads what the sender says and
// checks nothing, at a few microseconds, so that a caller can put a bound before
// work that costs 20 to 40 times a P-256 check.
func NeedsP192(body []byte) bool {
	obj, f := decodeObject(body)
	if f != nil || !obj.has("attribution-signature") || obj.has(jwsMember) {
		return false
	}
	m := &members{obj: obj}
	return usesP192(readVersion(m)) && m.fault == nil
}
