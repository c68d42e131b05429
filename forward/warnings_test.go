package forward

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWarnings(t *testing.T) {
	t.Parallel()
	base := Destination{ID: "d", AppID: 1, NetworkID: "n", Kinds: []string{KindInstall}, URL: "https://h/?c={click_id}&i={idfa}"}
	require.Empty(t, base.Warnings())
	for name, c := range map[string]struct {
		change func(*Destination)
		want   string
	}{
		"of another kind":        {func(d *Destination) { d.URL += "&p={sk_payload}" }, "url: {sk_payload} has no value in kinds [install]; it has one in postback"},
		"denied and identifiers": {func(d *Destination) { d.Consent = &Consent{Denied: &ConsentTemplate{URL: "https://h/?i={idfv}"}} }, "consent.denied.url: {idfv} is always empty here"},
		"no revenue":             {func(d *Destination) { d.Kinds, d.URL = []string{KindEvent}, d.URL+"&r={revenue}" }, "url: {revenue} is always empty: write send_revenue: true"},
		"free text in a header":  {func(d *Destination) { d.Headers = map[string]string{"X-C": "{campaign_name}"} }, "headers.X-C: {campaign_name} may hold what no header can carry"},
		"nothing is said":        {func(d *Destination) { d.Method, d.URL = MethodPost, "https://h/" }, "body: is empty"},
		"foreign placeholders":   {func(d *Destination) { d.URL += "&e=(event-name)" }, "url: holds placeholders of another program"},
		"foreign in a body":      {func(d *Destination) { d.Method, d.Body, d.BodyTemplate = MethodPost, BodyJSON, `{"a":"(event-name)"}` }, "body_template: holds placeholders"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := base
			c.change(&d)
			got := d.Warnings()
			require.Len(t, got, 1, "%v", got)
			require.Contains(t, got[0], `destination "d": `+c.want)
		})
	}
}
