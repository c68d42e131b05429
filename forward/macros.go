package forward

import (
	"errors"
	"fmt"
	"slices"

	"skand/internal/nearest"
)

// Forms of a macro's value, which decide how it stands in a JSON document that skand
// writes itself.
const (
	formText   = "text"
	formNumber = "number"
	formBool   = "true or false"
	formMoney  = "decimal" // a string in JSON: a float would round it
	formTime   = "time"    // RFC 3339, UTC
)

// Macro is one name that a template may hold.
type Macro struct {
	Name       string
	Meaning    string
	Example    string
	Form       string   // text, number, true or false, decimal, time
	Kinds      []string // in which it can have a value
	Identifies bool     // a person's device or address: only where ATT is authorized
}

var macroByName = func() map[string]*Macro {
	set := make(map[string]*Macro, len(macroTable))
	for i := range macroTable {
		set[macroTable[i].Name] = &macroTable[i]
	}
	return set
}()

var macroList = func() []string {
	names := make([]string, 0, len(macroTable))
	for _, m := range macroTable {
		names = append(names, m.Name)
	}
	return names
}()

// Macros returns the names of all macros, in the order of the documentation.
func Macros() []string { return slices.Clone(macroList) }

// MacroTable returns what is known of every macro, in the same order.
func MacroTable() []Macro { return slices.Clone(macroTable) }

func knownMacro(name string) bool { return macroByName[name] != nil }

// nearestMacro returns the known name with the fewest edits, the first of equals.
func nearestMacro(name string) string {
	best, _ := nearest.Name(name, macroList)
	return best
}

// secretMacro is filled when a request is signed, never by a template.
const secretMacro = "secret"

func unknownMacro(name string) error {
	if name == secretMacro {
		return errors.New("{secret} may stand in headers and in query_auth only; nothing else is kept out of logs")
	}
	return fmt.Errorf("unknown macro {%s}; the nearest is {%s}", name, nearestMacro(name))
}
