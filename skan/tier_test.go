package skan

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTierBoundsAndFlags(t *testing.T) {
	t.Parallel()
	seven, fine := int64(7), 0
	v4 := Postback{Framework: SKAdNetwork, Version: "4.0", SourceIdentifier: "39", DidWin: true}
	with := func(change func(p *Postback)) Postback {
		p := v4
		change(&p)
		return p
	}
	for _, c := range []struct {
		name      string
		p         Postback
		low, high int
		flags     []string
	}{
		{"two digits, no value", v4, 0, 3, nil},
		{"two digits, fine", with(func(p *Postback) { p.ConversionValue = &fine }), 2, 3, nil},
		{"two digits, coarse", with(func(p *Postback) { p.CoarseValue = CoarseLow }), 1, 1, nil},
		{"four digits", with(func(p *Postback) { p.SourceIdentifier = "5239" }), 2, 3, nil},
		{"three digits, coarse", with(func(p *Postback) { p.SourceIdentifier, p.CoarseValue = "239", CoarseLow }), 2, 3, []string{FlagCoarseDigits}},
		{"app source", with(func(p *Postback) { p.SourceAppID = &seven }), 3, 3, nil},
		{"web source", with(func(p *Postback) { p.SourceDomain = "example.com" }), 3, 3, nil},
		{"source, coarse", with(func(p *Postback) { p.SourceAppID, p.CoarseValue = &seven, CoarseHigh }), 3, 3, []string{FlagCoarseSource}},
		{"index 1", with(func(p *Postback) { p.SequenceIndex, p.CoarseValue = 1, CoarseLow }), 1, 3, nil},
		{"index 2, no value", with(func(p *Postback) { p.SequenceIndex = 2 }), 1, 3, nil},
		{"index 1 as never sent", with(func(p *Postback) {
			p.SequenceIndex, p.SourceIdentifier, p.ConversionValue, p.SourceAppID = 1, "5239", &fine, &seven
		}), 1, 3, []string{FlagLaterFine, FlagLaterDigits, FlagLaterSource}},
		{"loser", with(func(p *Postback) { p.DidWin = false }), 0, 3, nil},
		{"loser as never sent", with(func(p *Postback) {
			p.DidWin, p.SequenceIndex, p.CoarseValue, p.SourceDomain = false, 2, CoarseLow, "example.com"
		}), 1, 3, []string{FlagLoserWithValue, FlagLoserWithSource, FlagLoserLaterWindow, FlagLaterSource}},
		{"marketplace", Postback{Framework: AdAttributionKit, SourceIdentifier: "39", DidWin: true, Marketplace: "com.apple.AppStore"}, 1, 3, nil},
		{"3.0 has no tiers", Postback{Framework: SKAdNetwork, Version: "3.0", DidWin: true, SourceAppID: &seven, ConversionValue: &fine}, 0, 3, nil},
		{"3.0 loser with value", Postback{Framework: SKAdNetwork, Version: "3.0", ConversionValue: &fine}, 0, 3, []string{FlagLoserWithValue}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			low, high := c.p.TierBounds()
			require.Equal(t, [2]int{c.low, c.high}, [2]int{low, high})
			require.Equal(t, c.flags, c.p.flags())
			require.Equal(t, len(c.p.SourceIdentifier), c.p.DigitCount())
		})
	}
}
