package model

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Words of the parts, in a sentence that begins "Of so many installs".
var partWords = map[string]string{
	PartSeen:    "%s were seen with their value",
	PartNoValue: "%s have no value that the schema can read, and nothing is added for them",
	PartCoarse:  "%s were seen by their coarse level only",
	PartNull:    "%s were not seen, for Apple withheld their value",
	PartKind:    "%s are of a kind too rare to be published",
	PartPayers:  "%s were seen, but too few of them paid, or all but too few, for the number to be published",

	PartLevel:       "%s have a level that is not published",
	PartNoPostback:  "%s sent no such postback, or one without a value: they did nothing that counts in that time, and nothing is added for them",
	PartUnpublished: "%s are of a campaign whose later postbacks are not published",
	PartNoLater:     "%s are of crowds so small that Apple sends no such postback",
}

// Words of where an amount comes from.
var fromWords = map[string]string{
	PartSeen:   "%s from values that were seen",
	PartCoarse: "%s inferred from coarse levels",
	PartNull:   "%s inferred for installs whose value Apple withheld",
	PartKind:   "%s inferred for installs whose kind is not published",
	PartPayers: "%s inferred for installs whose payers are not published",

	PartLevel:       "%s inferred for installs whose level is not published",
	PartUnpublished: "%s inferred for installs whose later postbacks are not published",
	PartNoLater:     "%s inferred for installs of which Apple sends no such postback",
}

var pathWords = map[string]string{
	PathLevels:   "How many installs reach each level",
	PathPayers:   "Who pays, in levels that mix payers and others,",
	PathSpending: "What a payer is worth",
	PathOutcomes: "How many installs reach each level in this window",
}

func (e *Explanation) sentences() []string {
	out := []string{e.known()}
	for metric, name := range []string{"Payers", "Revenue"} {
		if s := e.from(metric, name); s != "" {
			out = append(out, s)
		}
	}
	for _, p := range e.Paths {
		out = append(out, p.sentence())
	}
	if e.Shift != nil {
		out = append(out, e.Shift.sentences(e.of(PartNull))...)
	}
	if tells(e.of(PartNull)) {
		out = append(out, e.evidence()...)
	}
	return out
}

func (e *Explanation) of(part string) float64 {
	for _, p := range e.Parts {
		if p.Part == part {
			return p.Installs
		}
	}
	return 0
}

// known: "Of 120 installs 74 were seen with their value and 46 were not seen, …"
func (e *Explanation) known() string {
	var parts []string
	for _, p := range e.Parts {
		if tells(p.Installs) {
			parts = append(parts, fmt.Sprintf(partWords[p.Part], amount(p.Installs)))
		}
	}
	if len(parts) == 0 {
		return "There are no installs."
	}
	return fmt.Sprintf("Of %s installs %s.", amount(e.Installs), list(parts))
}

// from: "Payers 14.2: 9 observed and 5.2 inferred …"
func (e *Explanation) from(metric int, name string) string {
	total := 0.0
	var parts []string
	if len(e.Parts) == 0 {
		return ""
	}
	for _, p := range e.Parts {
		if metric >= len(p.Amounts) {
			return "" // the app has no such metric
		}
		a := p.Amounts[metric]
		total += a
		word, known := fromWords[p.Part]
		if !known || !tells(a) {
			continue
		}
		if p.Part == PartSeen {
			word = "%s observed"
			if !p.Observed[metric] {
				word = "%s inferred from what such payers spend"
			}
		}
		parts = append(parts, fmt.Sprintf(word, amount(a)))
	}
	if len(parts) == 0 {
		return fmt.Sprintf("%s: none expected.", name)
	}
	return fmt.Sprintf("%s %s: %s.", name, amount(total), list(parts))
}

func (p ExplainedPath) sentence() string {
	var parts []string
	for _, x := range []struct {
		weight float64
		says   string
	}{
		{p.Window, "this campaign and window"}, {p.Campaign, "the campaign's windows together"}, {p.Network, "its network"}, {p.App, "the app as a whole"}, {p.Nothing, "no data: all are taken to be alike"},
	} {
		if math.Round(100*x.weight) >= 1 {
			parts = append(parts, fmt.Sprintf("%.0f %% from %s", 100*x.weight, x.says))
		}
	}
	return fmt.Sprintf("%s is taken %s.", pathWords[p.Of], list(parts))
}

func (s *ExplainedShift) sentences(nulls float64) []string {
	var out []string
	if s.Tier1 == 0 {
		out = append(out, "Installs seen by level only show no difference of small crowds.")
	} else {
		out = append(out, fmt.Sprintf("Where crowds are small (coarse levels against fine values) the odds of paying are %s times those of the others.", times(s.Tier1)))
	}
	if !tells(nulls) {
		return out
	}
	why := fmt.Sprintf("that difference taken %s times over, for crowds there are smaller still: an assumption", number(s.Factor))
	if s.Tier1 == 0 {
		why = "no difference was seen that could be taken further"
	}
	if s.Consented {
		why += fmt.Sprintf("; consented installs correct it by %s for the app, %s for the network and %s for the campaign", times(s.App), times(s.Network), times(s.Campaign))
	}
	return append(out, fmt.Sprintf("Where Apple withheld values the odds are taken to be %s times (%s).", times(s.Null), why))
}

func (e *Explanation) evidence() []string {
	if len(e.Evidence) == 0 {
		return []string{"No consented cohort of this campaign or of its network was large enough to be used."}
	}
	var out []string
	for _, x := range e.Evidence {
		whose := "the campaign"
		if x.Campaign == "" {
			whose = "the network"
		}
		out = append(out, fmt.Sprintf("Of %s consented installs of %s %s paid.", amount(x.Installs), whose, amount(x.Payers)))
	}
	return out
}

// tells whether a number is worth a word.
func tells(x float64) bool { return math.Abs(x) >= 0.05 }

// amount is a count or a sum as people write it: whole where it is, one decimal else,
// none from 100 on.
func amount(x float64) string {
	if math.Abs(x) >= 100 {
		return strconv.FormatFloat(x, 'f', 0, 64)
	}
	return number(math.Round(10*x) / 10)
}

func number(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// times is a log-odds as a factor.
func times(log float64) string { return strconv.FormatFloat(exp(log), 'f', 2, 64) }

func list(parts []string) string {
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	last := len(parts) - 1
	return strings.Join(slices.Clone(parts[:last]), ", ") + " and " + parts[last]
}
