package conversion

import (
	"time"

	"skand/schema"
	"skand/skan"
)

// DecodeCopy reads one postback as Decode does, and says what a network calls what it
// read: the names of the events that the value vouches for, and the currency of the
// amounts. Both are empty where no version of a schema counts for it.
func DecodeCopy(p *Pending, versions []SchemaVersion, now time.Time) (d Decoded, events []string, currency string) {
	d = Decode(p, versions, now)
	if d.SchemaVersion == 0 || p.Kind == KindQualifier {
		return d, nil, ""
	}
	for i := range versions {
		if versions[i].Version != d.SchemaVersion {
			continue
		}
		x := versions[i].Document.Decode(schema.Value{
			Index: p.Index, Fine: p.Fine, Coarse: p.Coarse, Digits: p.Digits(), Reengagement: p.Kind == KindReengagement,
		})
		for _, e := range x.Events {
			events = append(events, e.Name)
		}
		return d, events, versions[i].Document.Currency
	}
	return d, nil, ""
}

// PendingOf is a copy as it would wait for its decode.
func PendingOf(c *Copy, environment skan.Environment) *Pending {
	b := c.Result.Postback
	idKind, id := Identifier(b)
	return &Pending{
		AppID: b.AppID, Environment: environment, Identity: c.Result.Identity.Hash(), CopyID: c.ID,
		Framework: b.Framework, Version: b.Version, Index: b.SequenceIndex, Kind: KindOf(b), IDKind: idKind,
		SourceID: id, Fine: b.ConversionValue, Coarse: b.CoarseValue, ReceivedAt: c.ReceivedAt,
		Source: c.Source, NetworkID: b.NetworkKey(),
	}
}
