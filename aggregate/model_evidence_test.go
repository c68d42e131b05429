package aggregate

import (
	"testing"

	"github.com/stretchr/testify/require"

	"skand/aggregate/model"
)

func consentedOf(network, idKind, source2, level string, installs int, payers *int) Row {
	return Row{Level: level, NetworkID: network, IDKind: idKind, Source2: source2, Installs: installs, FineInstalls: &installs, Payers: payers}
}

func TestEvidenceOfPublishedCohorts(t *testing.T) {
	t.Parallel()
	ten, twenty, thirty := 10, 20, 30
	w := ConsentedWindow{B: 5, Rows: []Row{
		consentedOf("a.net", IDSource, "39", LevelSrc2, 200, &ten),
		consentedOf("a.net", IDSource, "39", LevelOther, 100, &ten),
		consentedOf("a.net", IDCampaign, "7", LevelSrc2, 100, &twenty),
		consentedOf("a.net", "", "", LevelOther, 500, &thirty), // of nobody knows which campaign
		consentedOf("b.net", "", "", LevelNetwork, 400, &thirty),
		consentedOf("c.net", IDSource, "", LevelWithheld, 50, &ten),
		consentedOf(Organic, IDNone, "", LevelNetwork, 900, &thirty),
		consentedOf("", "", "", LevelOther, 60, &ten),
	}}
	require.Equal(t, []model.Evidence{
		{Network: "a.net", Campaign: "39", Installs: 600, Payers: 40},
		{Network: "a.net", Campaign: "c7", Installs: 200, Payers: 40},
		{Network: "b.net", Installs: 800, Payers: 60},
		{Network: "c.net", Installs: 100, Payers: 20},
	}, ModelEvidence([]ConsentedWindow{w, w}))
	require.Empty(t, ModelEvidence(nil))
}

func TestHiddenPayersAreWeakEvidence(t *testing.T) {
	t.Parallel()
	ten := 10
	w := ConsentedWindow{B: 5, Rows: []Row{
		consentedOf("a.net", IDSource, "39", LevelSrc2, 200, &ten),
		consentedOf("a.net", IDSource, "40", LevelSrc2, 50, nil),
	}}
	e := ModelEvidence([]ConsentedWindow{w})[1]
	require.Equal(t, "40", e.Campaign)
	require.Less(t, e.Installs, 50.0)
	require.Greater(t, e.Installs, 15.0)
	require.Greater(t, e.Payers/e.Installs, 1./50)
	require.Less(t, e.Payers/e.Installs, 4./50)
}

// Remainders tell the total of rows that share one.
func TestEvidenceComesToItsRemainder(t *testing.T) {
	t.Parallel()
	var rows []Row
	for _, source := range []string{"10", "20", "30"} {
		rows = append(rows, consentedOf("a.net", IDSource, source, LevelSrc2, 60, nil))
	}
	w := ConsentedWindow{B: 5, Rows: rows, Remainders: []Remainder{{NetworkID: "a.net", Measure: MeasurePayers, Rows: 3, Installs: 9}}}
	share := 0.0
	for _, e := range ModelEvidence([]ConsentedWindow{w}) {
		share += e.Payers / e.Installs * 60
	}
	require.InDelta(t, 9, share, 1e-6)
}

// What a cohort says reaches the model under the names that its cells have.
func TestEvidenceNamesCells(t *testing.T) {
	t.Parallel()
	r := &modelReading{a: &Alphabet{}, in: &ModelInput{}, cells: map[cellKeyOf]int{}}
	for _, row := range []Row{consentedOf("a.net", IDSource, "39", LevelSrc2, 1, nil), consentedOf("a.net", IDCampaign, "39", LevelSrc2, 1, nil)} {
		k := campaignOf(row)
		require.Equal(t, k.campaign(), r.in.Cells[r.cell(k, 0)].Campaign)
	}
}
