package skan

// windowed tells the postbacks that crowd anonymity tiers apply to: SKAdNetwork
// 4 and AdAttributionKit. Older versions only have a privacy threshold.
func (p *Postback) windowed() bool {
	return p.Framework == AdAttributionKit || p.Version == "4.0"
}

func (p *Postback) hasSource() bool { return p.SourceAppID != nil || p.SourceDomain != "" }

func (p *Postback) hasValue() bool { return p.ConversionValue != nil || p.CoarseValue != "" }

// DigitCount is the number of digits of the source identifier: 2 to 4, or 0
// where there is none (SKAdNetwork 1-3).
func (p *Postback) DigitCount() int { return len(p.SourceIdentifier) }

// TierBounds bounds the crowd anonymity tier (0-3). The tier itself is never
// sent; only what was sent under it tells something: a source is named in tier 3
// alone, a fine value or more than two digits need tier 2, a coarse value at
// index 0 is tier 1 exactly, the later postbacks and a marketplace need tier 1.
// Where unsigned values contradict signed ones (see Result.Flags) the signed
// ones count. SKAdNetwork 1-3 has no tiers: 0 to 3.
func (p *Postback) TierBounds() (low, high int) {
	low, high = 0, 3
	if !p.windowed() {
		return low, high
	}
	if p.SequenceIndex > 0 || p.Marketplace != "" {
		low = 1
	}
	if p.SequenceIndex > 0 {
		return low, high
	}
	if p.DigitCount() > 2 {
		low = 2
	}
	if p.hasSource() {
		return 3, 3
	}
	switch {
	case p.ConversionValue != nil:
		low = 2
	case p.CoarseValue != "" && low <= 1:
		low, high = 1, 1
	}
	return low, high
}

// flags lists where a postback contradicts Apple's tier table. Relays can cause
// most of these with unsigned members, so none of them refuses a postback.
func (p *Postback) flags() []string {
	var out []string
	add := func(when bool, flag string) {
		if when {
			out = append(out, flag)
		}
	}
	later := p.SequenceIndex > 0
	add(!p.DidWin && p.hasValue(), FlagLoserWithValue)
	add(!p.DidWin && p.hasSource(), FlagLoserWithSource)
	add(!p.DidWin && later, FlagLoserLaterWindow)
	if !p.windowed() {
		return out
	}
	add(later && p.ConversionValue != nil, FlagLaterFine)
	add(later && p.DigitCount() > 2, FlagLaterDigits)
	add(later && p.hasSource(), FlagLaterSource)
	add(!later && p.CoarseValue != "" && p.DigitCount() > 2, FlagCoarseDigits)
	add(!later && p.CoarseValue != "" && p.hasSource(), FlagCoarseSource)
	return out
}
