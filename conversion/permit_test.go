package conversion_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"skand/conversion"
)

// TestPermit goes through every state of consent there is.
func TestPermit(t *testing.T) {
	t.Parallel()
	purposes := map[string][]int{
		"none": nil, "all": {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, "just": {7, 1}, "device": {1, 2, 3}, "measure": {7}, "others": {2, 10, 17, 71},
	}
	for _, att := range []string{"", "authorized", "denied", "restricted", "not_determined", "Authorized"} {
		for _, limited := range []bool{false, true} {
			for _, applies := range []bool{false, true} {
				for name, list := range purposes {
					c := conversion.Consent{ATTStatus: att, Limited: limited, GDPRApplies: applies, Purposes: list}
					enough := name == "all" || name == "just"
					gdpr := map[bool]map[bool]string{false: {}, true: {true: "allowed", false: "refused"}}[applies][enough]
					require.Equal(t, gdpr, c.GDPR(), "%+v", c)
					tracked := att == "authorized" && !limited && (!applies || enough)
					want := conversion.Permit{Identifiers: tracked, Match: tracked, Forward: !limited}
					require.Equal(t, want, c.Permit(), "%+v", c)
				}
			}
		}
	}
}

// TestPermitOnlyShrinks: taking any one consent back never allows more.
func TestPermitOnlyShrinks(t *testing.T) {
	t.Parallel()
	full := conversion.Consent{ATTStatus: "authorized", GDPRApplies: true, Purposes: []int{1, 7}}
	require.Equal(t, conversion.Permit{Identifiers: true, Match: true, Forward: true}, full.Permit())
	for name, withdraw := range map[string]func(*conversion.Consent){
		"ATT":            func(c *conversion.Consent) { c.ATTStatus = "denied" },
		"its answer":     func(c *conversion.Consent) { c.ATTStatus = "" },
		"the device":     func(c *conversion.Consent) { c.Purposes = []int{7} },
		"measuring":      func(c *conversion.Consent) { c.Purposes = []int{1} },
		"every purpose":  func(c *conversion.Consent) { c.Purposes = nil },
		"sharing at all": func(c *conversion.Consent) { c.Limited = true },
	} {
		c := full
		withdraw(&c)
		p := c.Permit()
		require.False(t, p.Identifiers || p.Match, name)
		require.Equal(t, !c.Limited, p.Forward, name)
	}
}

func TestKnownIDFA(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "", noIDFA: "", "00000000000000000000000000000000": "", "0": "", "-": "", " ": "",
		oneIDFA:                                "6f9619ff-8b86-d011-b42d-00cf4fc964ff",
		" " + oneIDFA + "\n":                   "6f9619ff-8b86-d011-b42d-00cf4fc964ff",
		"00000000-0000-0000-0000-000000000001": "00000000-0000-0000-0000-000000000001",
	} {
		require.Equal(t, want, conversion.KnownIDFA(in), "%q", in)
	}
}
