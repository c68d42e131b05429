package forward

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// specMacros are the names that the specification fixes; ours beyond it are added.
const specMacros = `click_id event_id event_name event_time event_time_unix install_time app_id bundle_id network_id campaign_id
campaign_name adgroup_id creative_id source_identifier revenue revenue_min revenue_max currency count count_low count_high idfa idfv ip
country att_status limit_ad_tracking attribution_type is_modeled model_version row_id revision is_test revenue_converted window_start
window_end delivery_id attempt sk_version sk_network_id sk_campaign_id sk_source_identifier sk_app_id sk_transaction_id sk_redownload
sk_source_app_id sk_source_domain sk_fidelity_type sk_did_win sk_postback_sequence_index sk_conversion_value sk_coarse_conversion_value
sk_attribution_signature sk_invalid_signature sk_payload sk_ts`

func TestMacroTable(t *testing.T) {
	t.Parallel()
	want := append(strings.Fields(specMacros), "rejection_reason", "install_time_unix")
	require.ElementsMatch(t, want, Macros())
	forms := []string{formText, formNumber, formBool, formMoney, formTime}
	for _, m := range MacroTable() {
		require.NotEmpty(t, m.Meaning, m.Name)
		require.NotEmpty(t, m.Example, m.Name)
		require.NotEmpty(t, m.Kinds, m.Name)
		require.Contains(t, forms, m.Form, m.Name)
		for _, kind := range m.Kinds {
			require.Contains(t, knownKinds, kind)
		}
		require.Equal(t, slices.Contains(identifierMacros, m.Name), m.Identifies, m.Name)
		switch m.Form {
		case formNumber, formMoney:
			require.True(t, plainNumber(m.Example), m.Name)
		case formBool:
			require.Contains(t, []string{"true", "false"}, m.Example)
		case formTime:
			require.NotEmpty(t, unixSeconds(m.Example), m.Name)
		}
		require.Regexp(t, macroPattern, "{"+m.Name+"}")
	}
}

// TestMacroTableIsDocumented holds docs/templates.md to the table: with
// SKAND_WRITE_DOCS=1 it is written anew.
func TestMacroTableIsDocumented(t *testing.T) {
	t.Parallel()
	const file, begin, end = "../docs/templates.md", "<!-- macros: begin -->\n", "<!-- macros: end -->"
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	before, rest, ok := strings.Cut(string(raw), begin)
	require.True(t, ok)
	table, after, ok := strings.Cut(rest, end)
	require.True(t, ok)
	if os.Getenv("SKAND_WRITE_DOCS") != "" {
		require.NoError(t, os.WriteFile(file, []byte(before+begin+macroDocs()+end+after), 0o644))
		return
	}
	require.Equal(t, macroDocs(), table, "run: SKAND_WRITE_DOCS=1 go test ./forward -run TestMacroTableIsDocumented")
}

func macroDocs() string {
	var b strings.Builder
	b.WriteString("| macro | means | example | form | has a value in | identifies a person |\n|---|---|---|---|---|---|\n")
	for _, m := range MacroTable() {
		kinds, person := strings.Join(m.Kinds, ", "), "no"
		if len(m.Kinds) == len(knownKinds) {
			kinds = "every kind"
		}
		if m.Identifies {
			person = "yes: only where ATT is authorized"
		}
		fmt.Fprintf(&b, "| `{%s}` | %s | `%s` | %s | %s | %s |\n", m.Name, m.Meaning, m.Example, m.Form, kinds, person)
	}
	return b.String()
}

func TestUnixSeconds(t *testing.T) {
	t.Parallel()
	require.Equal(t, "1793697300", unixSeconds("2026-11-03T09:15:00Z"))
	require.Empty(t, unixSeconds(""))
	require.Empty(t, unixSeconds("yesterday"))
	dv := Delivery{Fields: map[string]string{"install_time": "2026-11-01T18:04:10Z"}}
	require.Equal(t, "1793556250", dv.value("install_time_unix"))
}
