package conversion

import (
	"slices"
	"strconv"
	"time"

	"skand/skan"
)

// Kind is the dataset that a counted postback belongs to.
type Kind string

// The kinds. Only the first three are ever published, each on its own.
const (
	KindInstall      Kind = "install"
	KindReengagement Kind = "reengagement"
	KindQualifier    Kind = "qualifier" // did-win=false: the ad qualified, another network won
	KindTest         Kind = "test"      // source app 0: Apple's mark of a test; never counted
)

// KindOf tells the dataset of a postback.
func KindOf(p *skan.Postback) Kind {
	switch {
	case p.IsTest():
		return KindTest
	case !p.DidWin:
		return KindQualifier
	case p.ConversionType == skan.ConversionReengagement:
		return KindReengagement
	default:
		return KindInstall
	}
}

// Values are the members that Apple does not sign, and so the ones in which two
// genuine copies of one conversion can differ.
type Values struct {
	Fine        *int
	Coarse      string
	Country     string
	Interaction string
}

// ValuesOf reads the unsigned members of a postback.
func ValuesOf(p *skan.Postback) Values {
	return Values{Fine: p.ConversionValue, Coarse: p.CoarseValue, Country: p.CountryCode, Interaction: p.InteractionType}
}

// Standard names of the unsigned members, as they stand in a conflict.
const (
	fieldFine        = "conversion-value"
	fieldCoarse      = "coarse-conversion-value"
	fieldCountry     = "country-code"
	fieldInteraction = "ad-interaction-type"
)

// Differ lists the members in which two copies differ, lacking one included.
func (v Values) Differ(w Values) []string {
	var d []string
	if (v.Fine == nil) != (w.Fine == nil) || (v.Fine != nil && *v.Fine != *w.Fine) {
		d = append(d, fieldFine)
	}
	if v.Coarse != w.Coarse {
		d = append(d, fieldCoarse)
	}
	if v.Country != w.Country {
		d = append(d, fieldCountry)
	}
	if v.Interaction != w.Interaction {
		d = append(d, fieldInteraction)
	}
	return d
}

// Difference is one member in which a copy differs from the one that counts. A
// value that is absent is "".
type Difference struct {
	Field   string `json:"field"`
	Counted string `json:"counted"`
	Copy    string `json:"copy"`
}

// Compare is Differ with the values of both sides: v counts, w is the copy.
func (v Values) Compare(w Values) []Difference {
	all := []Difference{
		{fieldFine, number(v.Fine), number(w.Fine)},
		{fieldCoarse, v.Coarse, w.Coarse},
		{fieldCountry, v.Country, w.Country},
		{fieldInteraction, v.Interaction, w.Interaction},
	}
	return slices.DeleteFunc(all, func(d Difference) bool { return d.Counted == d.Copy })
}

func number(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}

// Meeting is what happens when a copy finds its identity taken.
type Meeting struct {
	State    State
	Differs  []string // members that differ from the copy that counted until now
	TakeOver bool     // the newcomer's values count from now on
	Raise    bool     // same values, better source: remember the better source
}

// Meet judges a later copy of an identity. Until its window is sealed the value of
// the best source counts, and within one rank the first; after sealing nothing
// changes. It is never a second count.
func Meet(counted Values, by Source, sealed bool, later Values, from Source) Meeting {
	better := from.Rank() < by.Rank() && !sealed
	if d := counted.Differ(later); len(d) > 0 {
		return Meeting{State: Conflict, Differs: d, TakeOver: better}
	}
	return Meeting{State: Duplicate, Raise: better}
}

// Identifier gives the ad's identifier and its kind: "source" digits of version 4
// and AdAttributionKit, or the "campaign" id of versions 1 to 3.
func Identifier(p *skan.Postback) (idKind, id string) {
	if p.CampaignID != nil {
		return "campaign", strconv.FormatInt(*p.CampaignID, 10)
	}
	return "source", p.SourceIdentifier
}

// Publisher is the app in which the ad was shown, "" where Apple does not say: on the
// web, and for small crowds.
func Publisher(p *skan.Postback) string {
	if p.SourceAppID == nil {
		return ""
	}
	return strconv.FormatInt(*p.SourceAppID, 10)
}

// Pending is a counted postback that waits for its value to be decoded.
type Pending struct {
	AppID       int64
	Environment skan.Environment
	Identity    []byte
	FirstSeen   time.Time // when the first copy of this identity came: the row's place in its table
	CopyID      string    // whose values these are; a decode of replaced values is void
	Framework   skan.Framework
	Version     string
	Index       int
	Kind        Kind
	IDKind      string
	SourceID    string
	Fine        *int
	Coarse      string
	ReceivedAt  time.Time
	Source      Source
	NetworkID   string
	RelayDelay  time.Duration // how much later than Apple sent it the copy may have come; 0: from Apple itself
}

// Digits is the length of the source identifier, 0 for a campaign id.
func (p *Pending) Digits() int {
	if p.IDKind != "source" {
		return 0
	}
	return len(p.SourceID)
}
