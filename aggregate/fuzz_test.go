package aggregate

import (
	"testing"
)

// treeOf reads settings from two bytes and groups of counted installs from six
// bytes each, so that every input is some tree.
func treeOf(data []byte) (Settings, Batch) {
	s := DefaultSettings()
	if len(data) < 2 {
		return s, Batch{}
	}
	s.K = FloorK + int(data[0])%40
	s.B = FloorB + int(data[1])%8
	s.Depth = MinDepth + int(data[1]>>4)%3
	b := Batch{OpenRevenue: data[0] > 127, KnowsRedownloads: data[0]&1 != 0}
	if data[0]&2 != 0 {
		b.Schemas = []Meaning{bitwise(1), plain(2, 3, 8)}
	}
	for rest := data[2:]; len(rest) >= 6; rest = rest[6:] {
		g := Counted{
			N: 1 + int(rest[0]), NetworkID: string(rune('a' + rest[1]%5)), IDKind: IDSource,
			ShortForm: []string{ShortLast, ShortFirst}[rest[1]>>7],
			Kind:      []string{ValueNull, ValueUnset, ValueUnmapped, ValueCoarse, ValueFine}[rest[4]%5],
			Coarse:    []string{CoarseLow, CoarseMedium, CoarseHigh}[int(rest[4]>>4)%3], SchemaVersion: int(rest[5] % 3),
		}
		g.Fine, g.Redownload, g.Ambiguous = int(rest[3]%8), rest[2]&1 != 0, rest[2]&2 != 0
		source := []byte{'0' + rest[2]%10, '0' + rest[2]/26, '0' + rest[3]%10, '0' + rest[3]/26}
		g.Source = string(source[:2+int(rest[5]>>4)%3])
		if rest[1]&64 != 0 {
			g.IDKind, g.Source = IDCampaign, string(source[:1+int(rest[5])%2])
		}
		if g.Kind == ValueFine && rest[5]&8 != 0 {
			g.Payer, g.RevenueMin, g.RevenueEst, g.RevenueMax = true, money("0.99"), money("1.5"), moneyAt("2")
		}
		b.Groups = append(b.Groups, g)
	}
	return s, b
}

// FuzzCut: whatever the tree, the release is a partition into rows of at least k
// whose measures stand only where they may.
func FuzzCut(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x0a\x02\x12\x00\x27\x27\x04\x20\x13\x01\x27\x05\x02\x10\x40\x41\x07\x08\x04\x18"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, b := treeOf(data)
		requirePartition(t, s, b, Cut(installs, s, b))
	})
}
