package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"skand/schema"
)

const yamlSchema = `# bands with comments
app_id: 525463029
name: "Puzzle: revenue"
currency: USD
windows:
  - index: 0
    fine:
      - {value: 0, events: []}
      - value: 1
        events:
          - name: purchase
            revenue_min: 0.10
            revenue_max: 3.00
            revenue_est: 1.000000001
    coarse: {low: {events: []}, medium: , high: {events: [{name: purchase, revenue_min: "3.00"}]}}
    lock: {on: time, value: 24}
open_band_mean: 900
`

func TestYAMLKeepsTheDigitsOfMoney(t *testing.T) {
	t.Parallel()
	text, err := schemaJSON("s.yaml", []byte(yamlSchema))
	require.NoError(t, err)
	require.Contains(t, string(text), `"revenue_min":0.10,"revenue_max":3.00,"revenue_est":1.000000001`)
	d, err := schema.Parse(text)
	require.NoError(t, err)
	require.Equal(t, "1.000000001", d.Windows[0].Fine[1].Events[0].RevenueEst.String())

	file := schemaFile(t, "s.yml", yamlSchema)
	code, out, _ := runSchema("", "validate", file)
	require.Equal(t, 0, code, out)
	_, out, _ = runSchema(`{"index":0,"fine":1}`, "decode", "--schema", file)
	require.Contains(t, out, `"revenue_min":"0.1","revenue_est":"1.000000001","revenue_max":"3"`)
}

func TestYAMLThatCanBeReadTwoWays(t *testing.T) {
	t.Parallel()
	code, out, _ := runSchema("", "validate", "--json", schemaFile(t, "s.yaml", "a: 0x10"))
	require.Equal(t, 1, code)
	require.Contains(t, out, "json_syntax")
}
