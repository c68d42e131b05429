package apply_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"skand/internal/apply"
	"skand/schema"
)

const judged = `"currency":"USD","windows":[{"index":0,"fine":[{"value":0,"events":[]},{"value":1,"events":[{"name":"signup"}]}]}]`

func codesOf(findings []schema.Finding) []schema.Code {
	out := []schema.Code{}
	for _, f := range findings {
		out = append(out, f.Code)
	}
	return out
}

func TestJudge(t *testing.T) {
	t.Parallel()
	app := &apply.App{AppID: 7}
	for text, want := range map[string][]schema.Code{
		`{` + judged + `}`:              {},
		`{"app_id":7,` + judged + `}`:   {},
		`{"app_id":8,` + judged + `}`:   {apply.CodeAppDiffers},
		`{"app_id":7,"windows":[]}`:     {schema.CodeWindowMissing, schema.CodeEmptySchema},
		`{"windows":[{"index":"one"}]}`: {schema.CodeWrongType},
		`{}`:                            {schema.CodeWindowMissing, schema.CodeEmptySchema},
		`nonsense`:                      {schema.CodeSyntax},
	} {
		d, r := app.Judge([]byte(text))
		require.ElementsMatch(t, want, codesOf(r.Errors), text)
		require.Equal(t, len(want) == 0, r.OK, text)
		require.NotNil(t, r.Warnings, "a list, also where it is empty")
		require.NotNil(t, r.Errors)
		_, err := schema.Parse([]byte(text))
		require.Equal(t, err == nil, d != nil, text)
	}
	euros := &apply.App{AppID: 7, Currency: "EUR"}
	_, r := euros.Judge([]byte(`{` + judged + `}`))
	require.Equal(t, []schema.Code{apply.CodeCurrencyDiffers}, codesOf(r.Errors))
}

// A layout alone is written out; beside rows of somebody's own it is not.
func TestJudgeExpandsLayouts(t *testing.T) {
	t.Parallel()
	const layout = `"currency":"USD","open_band_mean":"20","layout":{"kind":"bands","event":{"name":"purchase"},"from":"1","step":"2","count":5}`
	app := &apply.App{AppID: 7}
	for windows, expanded := range map[string]bool{
		`[{"index":0}]`: true,
		`[{"index":0,"fine":[{"value":0,"events":[]}]}]`:                   true,
		`[{"index":0,"fine":[{"value":0,"events":[{"name":"signup"}]}]}]`:  false,
		`[{"index":0,"fine":[{"value":63,"events":[{"name":"signup"}]}]}]`: false,
	} {
		d, r := app.Judge([]byte(`{` + layout + `,"windows":` + windows + `}`))
		require.NotNil(t, d)
		require.Equal(t, expanded, len(d.Windows[0].Fine) > 2, windows)
		require.Equal(t, expanded, r.OK, "%s: %v", windows, r.Errors)
	}
	d, r := app.Judge([]byte(`{"windows":[{"index":0,"reserved":[[9,3]]}],"layout":{"kind":"bends"}}`))
	require.NotNil(t, d)
	require.False(t, r.OK)
	require.Contains(t, codesOf(r.Errors), schema.CodeValueOutOfRange, "everything at once: %v", r.Errors)
	where := map[string]int{}
	for _, f := range r.Errors {
		where[f.Pointer]++
	}
	require.Equal(t, 1, where["/layout/kind"], "and nothing twice: %v", r.Errors)
}
