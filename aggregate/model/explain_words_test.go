package model

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every kind of explanation as it reads, and as JSON names it. The numbers are given:
// what a model makes of counts is tested elsewhere.
func TestExplanationsRead(t *testing.T) {
	t.Parallel()
	told, not := []bool{true, true}, []bool{false, false}
	part := func(name string, installs, payers, revenue float64, observed []bool) ExplainedPart {
		return ExplainedPart{name, installs, []float64{payers, revenue}, observed}
	}
	path := ExplainedPath{PathLevels, 0.61, 0.25, 0.1, 0.038, 0.002}
	for _, c := range []struct {
		name string
		e    Explanation
		want []string
	}{
		{"all seen", Explanation{
			Installs: 120, Parts: []ExplainedPart{part(PartSeen, 120, 9, 81.5, told), part(PartNull, 0, 0, 0, not)},
			Paths: []ExplainedPath{path},
		}, []string{
			"Of 120 installs 120 were seen with their value.",
			"Payers 9: 9 observed.",
			"Revenue 81.5: 81.5 observed.",
			"How many installs reach each level is taken 61 % from this campaign and window, 25 % from the campaign's windows together, 10 % from its network and 4 % from the app as a whole.",
		}},
		{"some withheld", Explanation{
			Installs: 120, Parts: []ExplainedPart{
				part(PartSeen, 74, 9, 81.5, told), part(PartNoValue, 3, 0, 0, told), part(PartCoarse, 25, 3.14, 25, not), part(PartNull, 18, 1.26, 11.31, not),
			},
			Paths:    []ExplainedPath{path, {PathSpending, 0, 0.5, 0.5, 0, 0}},
			Shift:    &ExplainedShift{Tier1: -0.2485, Null: -0.6024, Extrapolated: -0.497, App: -0.1054, Factor: 2, Consented: true},
			Evidence: []ExplainedEvidence{{"39", 140, 12}, {"", 1200, 111}},
		}, []string{
			"Of 120 installs 74 were seen with their value, 3 have no value that the schema can read, and nothing is added for them, 25 were seen by their coarse level only and 18 were not seen, for Apple withheld their value.",
			"Payers 13.4: 9 observed, 3.1 inferred from coarse levels and 1.3 inferred for installs whose value Apple withheld.",
			"Revenue 118: 81.5 observed, 25 inferred from coarse levels and 11.3 inferred for installs whose value Apple withheld.",
			"How many installs reach each level is taken 61 % from this campaign and window, 25 % from the campaign's windows together, 10 % from its network and 4 % from the app as a whole.",
			"What a payer is worth is taken 50 % from the campaign's windows together and 50 % from its network.",
			"Where crowds are small (coarse levels against fine values) the odds of paying are 0.78 times those of the others.",
			"Where Apple withheld values the odds are taken to be 0.55 times (that difference taken 2 times over, for crowds there are smaller still: an assumption; consented installs correct it by 0.90 for the app, 1.00 for the network and 1.00 for the campaign).",
			"Of 140 consented installs of the campaign 12 paid.",
			"Of 1200 consented installs of the network 111 paid.",
		}},
		{"hidden by the publication", Explanation{
			Installs: 40, Parts: []ExplainedPart{part(PartSeen, 0, 0, 0, told), part(PartKind, 2.5, 0.31, 2.4, not), part(PartPayers, 37.5, 2.2, 20.06, not)},
		}, []string{
			"Of 40 installs 2.5 are of a kind too rare to be published and 37.5 were seen, but too few of them paid, or all but too few, for the number to be published.",
			"Payers 2.5: 0.3 inferred for installs whose kind is not published and 2.2 inferred for installs whose payers are not published.",
			"Revenue 22.5: 2.4 inferred for installs whose kind is not published and 20.1 inferred for installs whose payers are not published.",
		}},
		{"revenue not told", Explanation{
			Installs: 30, Parts: []ExplainedPart{part(PartSeen, 30, 6, 50, []bool{true, false})},
		}, []string{
			"Of 30 installs 30 were seen with their value.",
			"Payers 6: 6 observed.",
			"Revenue 50: 50 inferred from what such payers spend.",
		}},
		{"nobody consented, no difference, nothing to pay for", Explanation{
			Installs: 30, Parts: []ExplainedPart{part(PartNull, 30, 0, 0, not)}, Shift: &ExplainedShift{Factor: 2},
		}, []string{
			"Of 30 installs 30 were not seen, for Apple withheld their value.",
			"Payers: none expected.", "Revenue: none expected.",
			"Installs seen by level only show no difference of small crowds.",
			"Where Apple withheld values the odds are taken to be 1.00 times (no difference was seen that could be taken further).",
			"No consented cohort of this campaign or of its network was large enough to be used.",
		}},
		{"one metric", Explanation{
			Installs: 10, Parts: []ExplainedPart{{PartNull, 10, []float64{1}, []bool{false}}},
		}, []string{
			"Of 10 installs 10 were not seen, for Apple withheld their value.",
			"Payers 1: 1 inferred for installs whose value Apple withheld.",
			"No consented cohort of this campaign or of its network was large enough to be used.",
		}},
		{"nothing", Explanation{}, []string{"There are no installs."}},
	} {
		require.Equal(t, c.want, c.e.sentences(), c.name)
		if c.name == "some withheld" {
			c.e.Sentences = c.e.sentences()[:1]
			got, err := json.MarshalIndent(c.e, "", " ")
			require.NoError(t, err)
			want, err := os.ReadFile("testdata/explanation.json")
			require.NoError(t, err)
			require.JSONEq(t, string(want), string(got))
		}
	}
}
