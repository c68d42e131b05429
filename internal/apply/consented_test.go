package apply_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"skand/internal/apply"
)

const consentedBundle = `
apps:
  - app_id: 1
    consented_retention: 90d
    store_url: https://apps.apple.com/de/app/puzzle/id1
    all_installs: true
    test_devices: [AEBE52E7-03EE-455A-B3C4-E57283966239]
    events:
      - {name: level_10, definition: reached level 10, fires_when: the level ends, owner: growth}
      - {name: purchase, window: 7d, min_value: "0.99"}
    funnel: [[level_10, purchase]]
networks:
  - {network_id: n, click_window: 12h, view_window: 6h, link_secret_env: N_LINKS}
rates:
  - {date: 2026-11-02, currency: EUR, rate: 1}
  - {date: 2026-11-02, currency: USD, rate: "1.0832"}
`

func TestConsentedSettings(t *testing.T) {
	t.Parallel()
	b, err := apply.Parse([]byte(consentedBundle))
	require.NoError(t, err)
	require.NoError(t, b.Check(nil))
	kept, err := b.Apps[0].KeepsConsented()
	require.NoError(t, err)
	require.Equal(t, 90*24*time.Hour, kept)
	within, err := b.Apps[0].Events[1].WithinInstall()
	require.NoError(t, err)
	require.Equal(t, 7*24*time.Hour, within)
	require.Equal(t, "0.99", b.Apps[0].Events[1].MinValue.String())
	click, view, err := b.Networks[0].Windows()
	require.NoError(t, err)
	require.Equal(t, []time.Duration{12 * time.Hour, 6 * time.Hour}, []time.Duration{click, view})
	require.Equal(t, "1.0832", b.Rates[1].Rate.String())

	files, back := exported(t, b)
	require.Contains(t, files["rates.yaml"], `"1.0832"`)
	want, err := json.Marshal(b)
	require.NoError(t, err)
	require.JSONEq(t, string(want), bundleJSON(t, back))
}

func TestConsentedDefaults(t *testing.T) {
	t.Parallel()
	kept, err := (&apply.AppConsented{}).KeepsConsented()
	require.NoError(t, err)
	require.Equal(t, 400*24*time.Hour, kept)
	click, view, err := (&apply.NetworkConsented{}).Windows()
	require.NoError(t, err)
	require.Equal(t, []time.Duration{7 * 24 * time.Hour, 24 * time.Hour}, []time.Duration{click, view})
	within, err := (&apply.Event{}).WithinInstall()
	require.NoError(t, err)
	require.Zero(t, within)
	require.Equal(t, "https://apps.apple.com/app/id525463029", apply.StorePage(525463029, ""))
}

func TestConsentedSettingsNameTheField(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"apps: [{app_id: 1, consented_retention: 29d}]":                                                   `apps[0].consented_retention: 29d is out of range; set 30d to 1200d`,
		"apps: [{app_id: 1, consented_retention: long}]":                                                  `apps[0].consented_retention: "long" is no duration`,
		"apps: [{app_id: 1, consented_retention: 99999999999999d}]":                                       `apps[0].consented_retention`,
		"apps: [{app_id: 1, store_url: 'https://evil.example/'}]":                                         `apps[0].store_url: "https://evil.example/" is no page of the App Store`,
		"apps: [{app_id: 1, store_url: 'http://apps.apple.com/'}]":                                        `apps[0].store_url`,
		"apps: [{app_id: 1, store_url: 'https://apps.apple.com@evil.example/'}]":                          `apps[0].store_url`,
		"apps: [{app_id: 1, store_url: 'https://apps.apple.com.evil.example/'}]":                          `apps[0].store_url`,
		"apps: [{app_id: 1, test_devices: ['']}]":                                                         `apps[0].test_devices[0]`,
		"apps: [{app_id: 1, events: [{definition: x}]}]":                                                  `apps[0].events[0].name`,
		"apps: [{app_id: 1, events: [{name: a}, {name: a}]}]":                                             `apps[0].events[1].name: a is there twice`,
		"apps: [{app_id: 1, events: [{name: a, window: 5m}]}]":                                            `apps[0].events[0].window: 5m is out of range; set 1h to 400d`,
		"apps: [{app_id: 1, events: [{name: a, min_value: -1}]}]":                                         `apps[0].events[0].min_value`,
		"apps: [{app_id: 1, funnel: [[]]}]":                                                               `apps[0].funnel[0]: name 1 to 6 events`,
		"apps: [{app_id: 1, funnel: [[a, a]]}]":                                                           `apps[0].funnel[0][1]: "a" is no stage of its own`,
		"apps: [{app_id: 1, events: [{name: a}], funnel: [[b]]}]":                                         `apps[0].funnel[0][0]: "b" is not in events`,
		"networks: [{network_id: n, click_window: 31d}]":                                                  `networks[0].click_window: 31d is out of range; set 1h to 30d`,
		"networks: [{network_id: n, view_window: 8d}]":                                                    `networks[0].view_window: 8d is out of range; set 1h to 7d`,
		"networks: [{network_id: n, link_secret_env: s3cr3t}]":                                            `networks[0].link_secret_env: "s3cr3t" is no name of an environment variable`,
		"rates: [{date: soon, currency: USD, rate: 1}]":                                                   `rates[0].date: "soon" is no day`,
		"rates: [{date: 2026-11-02, currency: usd, rate: 1}]":                                             `rates[0].currency`,
		"rates: [{date: 2026-11-02, currency: USD, rate: 0}]":                                             `rates[0].rate: 0 is out of range`,
		"rates: [{date: 2026-11-02, currency: USD, rate: '1e9999'}]":                                      `rates[0].rate: it is out of range`,
		"rates: [{date: 2026-11-02, currency: USD}]":                                                      `rates[0].rate`,
		"rates: [{date: 2026-11-02, currency: USD, rate: 1}, {date: 2026-11-02, currency: USD, rate: 2}]": `rates[1]: rate of USD on 2026-11-02 is named twice`,
	} {
		b, err := apply.Parse([]byte(text))
		require.NoError(t, err, text)
		require.ErrorContains(t, b.Check(nil), want, text)
	}
}
