package conversion_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/conversion"
)

// said is a line of consent that many hours after noon.
func said(hours int, att string, limited *bool, gdpr string) conversion.ConsentChange {
	return conversion.ConsentChange{At: noon.Add(time.Duration(hours) * time.Hour), ATTStatus: att, Limited: limited, GDPR: gdpr}
}

func TestStandingConsent(t *testing.T) {
	t.Parallel()
	yes, no := ptr(true), ptr(false)
	for name, c := range map[string]struct {
		history []conversion.ConsentChange
		want    conversion.Consent
		at      int // hours after noon; -1: never
	}{
		"nothing":              {nil, conversion.Consent{}, -1},
		"silence":              {[]conversion.ConsentChange{said(1, "", nil, "")}, conversion.Consent{}, -1},
		"the latest":           {[]conversion.ConsentChange{said(1, "authorized", nil, ""), said(2, "denied", nil, "")}, conversion.Consent{ATTStatus: "denied"}, 2},
		"not the last to come": {[]conversion.ConsentChange{said(2, "authorized", nil, ""), said(1, "denied", nil, "")}, conversion.Consent{ATTStatus: "authorized"}, 2},
		"of two the stricter":  {[]conversion.ConsentChange{said(1, "denied", yes, ""), said(1, "authorized", no, "")}, conversion.Consent{ATTStatus: "denied", Limited: true}, 1},
		"each member its own": {
			[]conversion.ConsentChange{said(1, "authorized", yes, "allowed"), said(2, "", no, ""), said(3, "", nil, "refused")},
			conversion.Consent{ATTStatus: "authorized", GDPRApplies: true}, 3,
		},
		"given": {[]conversion.ConsentChange{said(1, "", nil, "refused"), said(2, "", nil, "allowed")}, conversion.Consent{GDPRApplies: true, Purposes: []int{1, 7}}, 2},
		"moved": {[]conversion.ConsentChange{said(1, "", nil, "refused"), said(2, "", nil, "none")}, conversion.Consent{}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, at := conversion.StandingConsent(c.history)
			require.Equal(t, c.want, got)
			if c.at < 0 {
				require.True(t, at.IsZero())
				return
			}
			require.Equal(t, noon.Add(time.Duration(c.at)*time.Hour), at)
		})
	}
}

// TestStandingConsentMindsNoOrder: what stands is a function of the lines alone.
func TestStandingConsentMindsNoOrder(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(6, 1))
	for range 2000 {
		history := make([]conversion.ConsentChange, r.IntN(7))
		for i := range history {
			history[i] = said(r.IntN(4), []string{"", "authorized", "denied", "restricted"}[r.IntN(4)],
				[]*bool{nil, ptr(true), ptr(false)}[r.IntN(3)], []string{"", "none", "allowed", "refused"}[r.IntN(4)])
		}
		want, at := conversion.StandingConsent(history)
		r.Shuffle(len(history), func(i, j int) { history[i], history[j] = history[j], history[i] })
		got, again := conversion.StandingConsent(history)
		require.Equal(t, want, got, "%+v", history)
		require.Equal(t, at, again)
	}
}

func TestConsentReportChange(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]conversion.ConsentReport{
		"":        {ATTStatus: "denied"},
		"none":    {GDPRApplies: ptr(false), GDPRPurposes: []int{1, 7}},
		"refused": {GDPRApplies: ptr(true)},
		"allowed": {GDPRPurposes: []int{1, 2, 7}},
	} {
		require.Equal(t, want, c.Change().GDPR)
	}
	require.Equal(t, "refused", (&conversion.ConsentReport{GDPRPurposes: []int{}}).Change().GDPR, "an empty list is said, and refuses")
}

// TestArrive: a clock that is ahead is taken for now, and what it said is kept.
func TestArrive(t *testing.T) {
	t.Parallel()
	ahead := noon.Add(3 * time.Hour)
	in := conversion.Install{Time: ahead, ConsentTime: ahead}
	in.Arrive(noon)
	require.Equal(t, []time.Time{noon, ahead, noon, noon}, []time.Time{in.Time, in.Arrival.Reported, in.Arrival.At, in.ConsentTime})
	e := conversion.Event{Time: noon.Add(-time.Hour)}
	e.Arrive(noon)
	require.Equal(t, noon.Add(-time.Hour), e.Time)
	require.True(t, e.Arrival.Reported.IsZero())
}
