package web

import (
	"context"
	"errors"
	"time"

	"skand/conversion"
	"skand/internal/store"
	"skand/skan"
)

// verdictView is a verdict with how it came about, by the keys of now: a key that was
// added since the postback came makes it another one than the row has.
type verdictView struct {
	Framework   skan.Framework   `json:"framework"`
	Version     string           `json:"version"`
	Verdict     skan.Verdict     `json:"verdict"`
	Reason      string           `json:"reason"`
	Field       string           `json:"field"`
	Message     string           `json:"message"`
	Key         string           `json:"key"`
	Environment skan.Environment `json:"environment"`
	Identity    *skan.Identity   `json:"identity"` // null unless the signature verified
	Flags       []string         `json:"flags"`
	skan.Explanation
}

func viewVerdict(x skan.Explanation) *verdictView {
	r := x.Result
	v := &verdictView{r.Framework, r.Version, r.Verdict, r.Reason, r.Field, r.Message, r.Key, r.Environment, r.Identity, r.Flags, x}
	if v.Flags == nil {
		v.Flags = []string{}
	}
	return v
}

// launchView is between which times the app was first opened. Of a copy that counts it
// is what was decoded; of any other, Apple's delays before its arrival.
type launchView struct {
	store.InspectedLaunch
	ArrivedAt time.Time `json:"arrived_at"`
	Decoded   bool      `json:"decoded"` // knows the schema's lock and the relay's delay too
}

func estimatedLaunch(p *skan.Postback, arrived time.Time) *launchView {
	l := conversion.EstimateLaunch(arrived, p.Framework, p.Version, p.SequenceIndex, p.ConversionValue, 0)
	return &launchView{store.InspectedLaunch{From: l.From, Point: l.Point, To: l.To}, arrived, false}
}

// pastedView is the answer to a pasted postback.
type pastedView struct {
	Verdict *verdictView `json:"verdict"`
	// Launch is as if it came now; null if it could not be read.
	Launch *launchView `json:"launch"`
	// Kept is what is known of the same identity; null: nothing, or it did not verify.
	Kept *store.Inspection `json:"kept"`
	// Differs is what it says otherwise than the copy that counts.
	Differs []conversion.Difference `json:"differs"`
}

// pasted explains a body that is not kept. Pages show the same.
func (a *Admin) pasted(ctx context.Context, body []byte, relayed bool) (*pastedView, error) {
	x := a.explain(body, relayed)
	v := &pastedView{Verdict: viewVerdict(x), Differs: []conversion.Difference{}}
	if p := x.Result.Postback; p != nil {
		v.Launch = estimatedLaunch(p, a.Now())
	}
	if x.Result.Identity == nil {
		return v, nil
	}
	kept, err := a.Inspector.InspectIdentity(ctx, *x.Result.Identity)
	if errors.Is(err, store.ErrNoPostback) {
		return v, nil
	}
	if err != nil {
		return nil, err
	}
	for i := range kept.Copies {
		kept.Copies[i].Body = "" // who pastes one copy has not asked for the others
	}
	v.Kept = &kept
	if kept.Counted != nil {
		v.Differs = countedValues(kept.Counted).Compare(conversion.ValuesOf(x.Result.Postback))
	}
	return v, nil
}

func countedValues(c *store.InspectedCounts) conversion.Values {
	return conversion.Values{Fine: c.Fine, Coarse: c.Coarse, Country: c.Country, Interaction: c.Interaction}
}

// copyView is a copy beside the others: what it says otherwise than the one that counts
// now. Differs of the row is what it said otherwise when it came.
type copyView struct {
	store.InspectedCopy
	DiffersNow []conversion.Difference `json:"differs_now"` // null: it was not compared
	Meaning    string                  `json:"meaning"`     // of its state, for people
}

// keptView is the answer about a postback that is kept.
type keptView struct {
	AppID    int64                  `json:"app_id"`
	Verdict  *verdictView           `json:"verdict"` // of the copy asked for, else of the one that counts; null: no copy is left
	Copy     *copyView              `json:"copy"`    // likewise, with its body
	Copies   []copyView             `json:"copies"`  // without bodies
	Searched store.SearchedCopies   `json:"searched"`
	Launch   *launchView            `json:"launch"`
	Counted  *store.InspectedCounts `json:"counted"`
}

// maxCompared bounds how many copies are read again for one answer.
const maxCompared = 25

// kept tells of a postback that is kept. Pages show the same.
func (a *Admin) kept(ctx context.Context, ask inspectAsk) (*keptView, error) {
	var x store.Inspection
	var err error
	if ask.at.IsZero() {
		x, err = a.Inspector.InspectIdentity(ctx, ask.identity())
	} else {
		x, err = a.Inspector.InspectPostback(ctx, ask.copied())
	}
	if err != nil {
		return nil, err
	}
	v := &keptView{AppID: x.AppID, Searched: x.Searched, Counted: x.Counted, Copies: make([]copyView, len(x.Copies))}
	shown := -1
	for i := range x.Copies {
		c := &x.Copies[i]
		if x.Copy == nil && (shown < 0 || c.Counts) || x.Copy != nil && c.ID == x.Copy.ID {
			shown = i
		}
		v.Copies[i] = copyView{*c, nil, meaning(c.State, c.Reason)}
		if x.Counted != nil && i < maxCompared {
			v.Copies[i].DiffersNow = a.differsNow(c, x.Counted)
		}
		v.Copies[i].Body = ""
	}
	if shown >= 0 {
		whole := v.Copies[shown]
		whole.Body = x.Copies[shown].Body
		v.Copy = &whole
		res := a.explain([]byte(whole.Body), whole.Source == conversion.Relay)
		v.Verdict = viewVerdict(res)
		if p := res.Result.Postback; p != nil {
			v.Launch = estimatedLaunch(p, whole.ReceivedAt)
		}
	}
	if x.Counted != nil && x.Counted.Launch != nil {
		v.Launch = &launchView{*x.Counted.Launch, x.Counted.ReceivedAt, true}
	}
	return v, nil
}

// differsNow reads a copy again, for rows keep only what it differed in when it came.
func (a *Admin) differsNow(c *store.InspectedCopy, counted *store.InspectedCounts) []conversion.Difference {
	v := a.verifier()
	verify := v.Verify
	if c.Source == conversion.Relay {
		verify = v.VerifyRelayed
	}
	p := verify([]byte(c.Body)).Postback
	if p == nil {
		return nil
	}
	return countedValues(counted).Compare(conversion.ValuesOf(p))
}

func (a *Admin) explain(body []byte, relayed bool) skan.Explanation {
	if relayed {
		return a.verifier().ExplainRelayed(body)
	}
	return a.verifier().Explain(body)
}

// verifier has the keys of now; without any of its own, Apple's.
func (a *Admin) verifier() *skan.Verifier {
	if a.Verifier == nil {
		return skan.NewVerifier(skan.AppleKeys())
	}
	return a.Verifier()
}

// meaning says of a copy's state what it means and, where something can be done, what.
func meaning(s conversion.State, reason string) string {
	switch s {
	case conversion.Accepted:
		return "the first copy of its identity: it was counted"
	case conversion.Duplicate:
		return "says what the copy that counted said; not counted again"
	case conversion.Conflict:
		if reason == "better_source" {
			return "said otherwise and came a better way, before the window was sealed: its values count; not counted again"
		}
		return "said otherwise than the copy that counted, in members that Apple does not sign; not counted again"
	case conversion.Unsupported:
		return "kept until its version or key is known: upgrade, or add the key, then replay it"
	case conversion.Quarantined:
		if reason == "development_not_trusted" {
			return "signed by a development key: kept, not believed, until the app says trust_development"
		}
		return "kept, not believed: its verdict says why"
	case conversion.Dropped:
		return "only counted"
	}
	return ""
}
