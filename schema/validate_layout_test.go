package schema

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func layout(more string) string {
	return `{"currency":"USD","open_band_mean":9,"layout":{"kind":"bands","event":{"name":"p"},"edges":[1,5]` + more + `}}`
}

const (
	days1           = `{"name":"retained_day_1"}`
	days2           = `{"name":"retained_day_2"}`
	retentionLevels = `"low":{},"medium":{"events":[` + days1 + `]},"high":{"events":[` + days2 + `]}`
)

// retentionTable is a table beside a layout of two days and their levels.
func retentionTable(rows, levels string) string {
	return whole(window0(zero+rows, levels, ""), `,"layout":{"kind":"retention","days":2,"last":9,"coarse":[{"window":0,"days":[1,2]}]}`)
}

// While the table waits for its layout, what expanding adds is not missing.
func TestValidateBeforeExpanding(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		layout(""), layout(`,"coarse":[{"window":2,"low":{}}]`),
		strings.Replace(layout(""), `"layout"`, `"windows":[{"index":1},{"index":0,"lock":{"on":"fine","value":2}}],"layout"`, 1),
	} {
		r := Lint([]byte(text))
		require.Equal(t, []Code{CodeLayoutNotExpanded}, codes(r.Errors), text)
		require.Contains(t, r.Errors[0].Message, "skand schema expand")
		d := expanded(t, text)
		require.True(t, d.Validate().OK, "%v", d.Validate().Errors)
	}
	require.Contains(t, codes(Lint([]byte(`{"windows":[{"index":1}],"reengagement_windows":[{"index":1}],"layout":{"kind":"retention","days":1}}`)).Errors), CodeWindowMissing,
		"re-engagement windows are not the layout's")
}

func TestLayoutDiffersSaysWhere(t *testing.T) {
	t.Parallel()
	r := Lint([]byte(retentionTable(row(1, days2)+","+row(5, "")+","+row(6, ""), `"low":{}`)))
	i := slices.IndexFunc(r.Warnings, func(f Finding) bool { return f.Code == CodeLayoutDiffers })
	require.Contains(t, r.Warnings[i].Message, "(fine values 1-2, 5-6; coarse levels of window 0)")
}
