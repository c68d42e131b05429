package forward

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTranslate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text, want string
		outcomes         string // placeholder:outcome
	}{
		{"a measurement firm's install postback",
			"https://net.example/pb?cid=(clickid)&idfa=(idfa)&app=(app-id)&ts=(install-unix-ts)&w=(wifi)&c=(campaign)&cc=(country_code)",
			"https://net.example/pb?cid={click_id}&idfa={idfa}&app={app_id}&ts={install_time_unix}&w=(wifi)&c={campaign_name}&cc={country}",
			"(clickid):translated (idfa):translated (app-id):changed (install-unix-ts):translated (wifi):no_counterpart (campaign):translated (country_code):translated"},
		{"an event, with a name of our own", "https://n/e?e=(event-name)&r=(event_revenue)&x=(creative-id)&y=(revision)",
			"https://n/e?e={event_name}&r={revenue}&x={creative_id}&y={revision}",
			"(event-name):translated (event_revenue):translated (creative-id):translated (revision):changed"},
		{"FreeMarker", "https://n/?i=${(user_data.idfa)!}&c=${(last_attributed_touch_data.~campaign)!}&t=${(event_timestamp)!}&a=${(user_data.aaid)!}",
			"https://n/?i={idfa}&c={campaign_name}&t={event_time_unix}&a=${(user_data.aaid)!}",
			"${(user_data.idfa)!}:translated ${(last_attributed_touch_data.~campaign)!}:translated ${(event_timestamp)!}:changed ${(user_data.aaid)!}:no_counterpart"},
		{"FreeMarker, other forms", `${device.idfv}|${name!"none"}|${(user_data.idfa?upper_case)!}|<#if user_data.limit_ad_tracking>1<#else>0</#if>|<#if x>a</#if>`,
			`{idfv}|{event_name}|${(user_data.idfa?upper_case)!}|{limit_ad_tracking}|<#if x>a</#if>`,
			`${device.idfv}:translated ${name!"none"}:changed ${(user_data.idfa?upper_case)!}:no_counterpart <#if user_data.limit_ad_tracking>1<#else>0</#if>:changed <#if x>:no_counterpart </#if>:no_counterpart`},
		{"ours is left alone", "https://n/?a={click_id}&t=(x)", "https://n/?a={click_id}&t=(x)", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, notes, err := Translate(c.text, "")
			require.NoError(t, err)
			require.Equal(t, c.want, got)
			var outcomes []string
			for _, n := range notes {
				outcomes = append(outcomes, n.Placeholder+":"+n.Outcome)
				require.Equal(t, n.Placeholder, c.text[n.At-1:n.At-1+len(n.Placeholder)])
				if n.Outcome == NoCounterpart {
					require.NotEmpty(t, n.Says)
				}
			}
			require.Equal(t, c.outcomes, strings.Join(outcomes, " "))
		})
	}
	_, _, err := Translate("x", "mustache")
	require.ErrorContains(t, err, "parens or freemarker")
	_, notes, err := Translate("(evnt-name) (clickid)", "")
	require.NoError(t, err)
	require.Equal(t, Note{Placeholder: "(evnt-name)", At: 1, Outcome: NoCounterpart, Nearest: "event_name", Says: "it is not known here"}, notes[0])
}

// TestTranslateTables: every counterpart is a macro, and nothing that hashes or
// belongs to another system becomes an identifier.
func TestTranslateTables(t *testing.T) {
	t.Parallel()
	for syntax, table := range map[string]map[string]counterpart{SyntaxParens: parensNames, SyntaxFreeMarker: markerNames, "conditions": markerConditions} {
		for name, c := range table {
			require.True(t, c.macro == "" && c.says != "" || knownMacro(c.macro), "%s %s", syntax, name)
			switch syntax {
			case SyntaxParens:
				require.Equal(t, "("+name+")", parensPattern.FindString("("+name+")"))
				require.Equal(t, SyntaxParens, DetectSyntax("("+name+")"), name)
			case SyntaxFreeMarker:
				require.True(t, variable.MatchString("${("+name+")!}"), name)
			}
		}
	}
}

// FuzzTranslate: nothing but placeholders changes, and from the notes the text as it
// was can be made again.
func FuzzTranslate(f *testing.F) {
	f.Add("https://n/?a=(clickid)&b=${(user_data.idfa)!}", "")
	f.Add("<#if a>1<#else>0</#if>${x}((idfa))", SyntaxFreeMarker)
	f.Add("((clickid)(idfa))", SyntaxParens)
	f.Fuzz(func(t *testing.T, text, syntax string) {
		got, notes, err := Translate(text, syntax)
		if err != nil {
			return
		}
		back, shift := got, 0
		for _, n := range notes {
			at := n.At - 1 + shift
			now := n.Placeholder
			if n.Outcome != NoCounterpart {
				now = "{" + n.Macro + "}"
			}
			require.Equal(t, now, got[at:at+len(now)])
			shift += len(now) - len(n.Placeholder)
		}
		for i := len(notes) - 1; i >= 0; i-- {
			n := notes[i]
			now := n.Placeholder
			if n.Outcome != NoCounterpart {
				now = "{" + n.Macro + "}"
			}
			shift -= len(now) - len(n.Placeholder)
			at := n.At - 1 + shift
			back = back[:at] + n.Placeholder + back[at+len(now):]
		}
		require.Equal(t, text, back)
	})
}
