package store

import (
	"testing"

	"github.com/stretchr/testify/require"

	"skand/conversion"
)

// withheld is a report of consent that many hours after the start.
func withheld(h int, change func(*conversion.ConsentReport)) *conversion.ConsentReport {
	c := &conversion.ConsentReport{AppID: testApp, InstallID: "i", Time: hour(h)}
	change(c)
	return c
}

func whole(in *conversion.Install) {
	in.IDFA, in.IDFV, in.IP, in.ClickID = deviceA, deviceB, "192.0.2.77", "k"
}

// TestConsentWithdrawn: identifiers go from the install, from its click and from what
// has still to be sent; its attribution stays.
func TestConsentWithdrawn(t *testing.T) {
	eachConsented(t, func(t *testing.T, c consented) {
		c.take(clicked("k", -1, func(k *conversion.Click) { k.IDFA, k.IP, k.UserAgent = deviceA, "192.0.2.78", "Spy/1" }),
			installed("i", 0, whole), happened("e", "i", 1))
		require.Equal(t, []string{
			"all event pending  idfa,idfv,ip", "all install pending  idfa,idfv,ip", "own event pending  idfa,idfv,ip", "own install pending  idfa,idfv,ip",
		}, c.outbox())
		v, err := c.s.ConsentedInstall(t.Context(), testApp, "i")
		require.NoError(t, err)
		require.Equal(t, []string{"idfa", "idfv", "ip"}, v.Kept)

		late := withheld(-2, func(r *conversion.ConsentReport) { r.ATTStatus = "denied" })
		c.take(late) // it was denied before it was authorized
		require.Contains(t, c.outbox()[0], "idfa")
		no := withheld(2, func(r *conversion.ConsentReport) { r.ATTStatus = "denied" })
		c.take(no)
		ok, err := c.Consent(t.Context(), no)
		require.NoError(t, err)
		require.False(t, ok, "the same again")
		require.Equal(t, []string{"all event pending", "all install pending", "own event pending", "own install pending"}, c.outbox())
		v, err = c.s.ConsentedInstall(t.Context(), testApp, "i")
		require.NoError(t, err)
		require.Empty(t, v.Kept)
		require.Equal(t, "denied", v.Consent.ATTStatus)
		require.Equal(t, hour(2), v.Consent.At)
		require.Len(t, v.History, 3)
		require.Equal(t, "attributed click_id k", c.why("i"))
		require.Equal(t, []string{"0|0"}, c.dump(`SELECT (SELECT COUNT(*) FROM install WHERE idfa_hash IS NOT NULL), (SELECT COUNT(*) FROM click WHERE idfa_hash IS NOT NULL)`))
		c.take(happened("e2", "i", 3))
		for _, line := range c.outbox() {
			require.NotContains(t, line, "idf", "nor from what comes later")
		}
		c.inClear(t, deviceA, deviceB, "192.0.2.7", "spy/1")
	})
}

// TestConsentLimited: Limited Data Sharing keeps everything in the house, also what was
// under way; GDPR takes the identifiers alone.
func TestConsentLimited(t *testing.T) {
	eachConsented(t, func(t *testing.T, c consented) {
		c.take(installed("i", 0, whole), happened("e", "i", 1), installed("other", 0, nil))
		c.take(withheld(1, func(r *conversion.ConsentReport) { r.GDPRPurposes = []int{1, 2} }))
		require.Equal(t, []string{"all event pending", "all install pending", "all install pending"}, c.outbox())
		c.take(withheld(2, func(r *conversion.ConsentReport) { r.Limited = ptr(true) }), happened("e2", "i", 3), clicked("k", -1, nil))
		require.Equal(t, "attributed click_id k", c.why("i"))
		require.ElementsMatch(t, []string{"all event refused consent_withdrawn", "all install refused consent_withdrawn", "all install pending"}, c.outbox())
		require.Equal(t, []string{"refused|true"}, c.dump(`SELECT gdpr, CASE WHEN limited THEN 'true' ELSE 'false' END FROM install WHERE id = ?`, c.hash("install", "i")))

		c.take(withheld(5, func(r *conversion.ConsentReport) { r.Limited = ptr(false) }), happened("e3", "i", 6))
		require.Contains(t, c.outbox(), "own event pending", "what comes after it was lifted may go")
	})
}

// TestConsentBeforeInstall: what stands holds for an install that comes after it was said.
func TestConsentBeforeInstall(t *testing.T) {
	eachConsented(t, func(t *testing.T, c consented) {
		c.take(withheld(1, func(r *conversion.ConsentReport) { r.ATTStatus = "denied" }), happened("e", "i", 2), installed("i", 0, whole))
		require.Equal(t, []string{"all event pending", "all install pending"}, c.outbox())
		v, err := c.s.ConsentedInstall(t.Context(), testApp, "i")
		require.NoError(t, err)
		require.Empty(t, v.Kept)
		require.Equal(t, []string{"0"}, c.dump(`SELECT COUNT(*) FROM install WHERE idfa_hash IS NOT NULL`))
		c.inClear(t, deviceA, deviceB, "192.0.2.7")
	})
}

// TestConsentWhileSending: a delivery that is under way when consent goes is settled as
// what it became.
func TestConsentWhileSending(t *testing.T) {
	eachConsented(t, func(t *testing.T, c consented) {
		c.take(installed("i", 0, whole))
		claimed, err := c.s.Claim(t.Context(), "all", 1, c.now.Now(), evidenceGrace)
		require.NoError(t, err)
		require.Len(t, claimed, 1)
		c.take(withheld(1, func(r *conversion.ConsentReport) { r.Limited = ptr(true) }))
		require.Equal(t, []string{"all install refused consent_withdrawn"}, c.outbox())
		require.NoError(t, c.s.Release(t.Context(), claimed, c.now.Now()))
		require.Equal(t, []string{"all install refused consent_withdrawn"}, c.outbox())
	})
}
