package forward

import (
	"fmt"
	"regexp"
	"strings"
)

// Syntaxes of other programs' templates.
const (
	SyntaxParens     = "parens"     // (event-name), as partner portals of measurement firms write it
	SyntaxFreeMarker = "freemarker" // ${(user_data.idfa)!}, as FreeMarker does
)

// Outcomes of translating one placeholder.
const (
	Translated    = "translated"     // the same value
	Changed       = "changed"        // translated, and its value has another form: says tells which
	NoCounterpart = "no_counterpart" // left as it stands: there is no such value
)

// Note is what became of one placeholder.
type Note struct {
	Placeholder string `json:"placeholder"` // as it stood
	At          int    `json:"at"`          // its first byte, counted from 1
	Outcome     string `json:"outcome"`
	Macro       string `json:"macro,omitempty"`   // what it became
	Nearest     string `json:"nearest,omitempty"` // of what was left: the macro with the nearest name
	Says        string `json:"says,omitempty"`
}

var (
	parensPattern = regexp.MustCompile(`\(([A-Za-z][A-Za-z0-9_-]{0,63})\)`)
	// A variable with or without parentheses and default; anything else inside (a ?function,
	// an operator) is matched by the last part and has no counterpart.
	markerPattern = regexp.MustCompile(`<#if[^>]*>[^<]*<#else>[^<]*</#if>|<[/]?#[^>]*>|\$\{[^{}]*\}`)
	variable      = regexp.MustCompile(`^\$\{\s*\(?\s*([A-Za-z_~+$][A-Za-z0-9_.~+$-]*)\s*\)?\s*(?:!\s*([^{}]*))?\}$`)
	condition     = regexp.MustCompile(`^<#if\s+\(?([A-Za-z0-9_.]+)\)?!?\s*>\s*1\s*<#else>\s*0\s*</#if>$`)
)

// DetectSyntax names the foreign syntax of a text, "" where it holds none. A word in
// parentheses counts only where it is a known placeholder, for it may be a literal.
func DetectSyntax(text string) string {
	if markerPattern.MatchString(text) {
		return SyntaxFreeMarker
	}
	for _, m := range parensPattern.FindAllStringSubmatch(text, -1) {
		if _, known := parensNames[m[1]]; known || knownMacro(plainName(m[1])) {
			return SyntaxParens
		}
	}
	return ""
}

// Translate turns the placeholders of another program's template into macros; syntax
// "" detects which. Every placeholder gets one note, in their order; what has no
// counterpart is left as it stands. All else of the text is unchanged.
func Translate(text, syntax string) (string, []Note, error) {
	if len(text) > maxBodyTemplate {
		return "", nil, fmt.Errorf("template: is longer than %d bytes", maxBodyTemplate)
	}
	if syntax == "" {
		syntax = DetectSyntax(text)
	}
	var pattern *regexp.Regexp
	var one func(string) Note
	switch syntax {
	case "":
		return text, nil, nil
	case SyntaxParens:
		pattern, one = parensPattern, fromParens
	case SyntaxFreeMarker:
		pattern, one = markerPattern, fromMarker
	default:
		return "", nil, fmt.Errorf("syntax: %q is not one of its values; write %s or %s, or leave it out", syntax, SyntaxParens, SyntaxFreeMarker)
	}
	var b strings.Builder
	var notes []Note
	from := 0
	for _, span := range pattern.FindAllStringIndex(text, -1) {
		note := one(text[span[0]:span[1]])
		note.Placeholder, note.At = text[span[0]:span[1]], span[0]+1
		b.WriteString(text[from:span[0]])
		if note.Outcome == NoCounterpart {
			b.WriteString(note.Placeholder)
		} else {
			b.WriteString("{" + note.Macro + "}")
		}
		notes = append(notes, note)
		from = span[1]
	}
	b.WriteString(text[from:])
	return b.String(), notes, nil
}

// counterpart is a macro and how its value differs; no macro: there is none, and why.
type counterpart struct{ macro, says string }

func (c counterpart) note() Note {
	switch {
	case c.macro == "":
		return Note{Outcome: NoCounterpart, Says: c.says}
	case c.says == "":
		return Note{Outcome: Translated, Macro: c.macro}
	}
	return Note{Outcome: Changed, Macro: c.macro, Says: c.says}
}

func fromParens(placeholder string) Note {
	name := strings.Trim(placeholder, "()")
	return byName(name, parensNames)
}

func fromMarker(placeholder string) Note {
	if m := condition.FindStringSubmatch(placeholder); m != nil {
		if c, known := markerConditions[m[1]]; known {
			return c.note()
		}
	}
	m := variable.FindStringSubmatch(placeholder)
	if m == nil {
		return Note{Outcome: NoCounterpart, Says: "conditions and functions are not carried over: what they make of a value cannot be sent"}
	}
	note := byName(m[1], markerNames)
	if m[2] != "" && note.Outcome != NoCounterpart {
		note.Outcome = Changed
		note.Says = strings.TrimSpace(note.Says + " its default is dropped: without a value the setting missing decides")
	}
	return note
}

// byName looks a placeholder up, first in the syntax's own table, then among our
// macros, whose names are the field's.
func byName(name string, table map[string]counterpart) Note {
	c, known := table[name]
	plain := plainName(name)
	switch {
	case known:
	case knownMacro(plain) && !macroByName[plain].Identifies:
		c = counterpart{plain, "by its name alone; check that it is the same"}
	default:
		c = counterpart{"", "it is not known here"}
	}
	note := c.note()
	if note.Outcome == NoCounterpart {
		note.Nearest = nearestMacro(plain)
	}
	return note
}

// plainName is a placeholder's name as ours are written: the last part, in lower case.
func plainName(name string) string {
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		name = name[i+1:]
	}
	return strings.ToLower(strings.ReplaceAll(strings.TrimLeft(name, "~+$"), "-", "_"))
}
