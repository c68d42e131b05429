// Package presets owns the ready-made templates for common receivers: one destination
// each, with the places that an operator fills, what the receiver's public
// documentation says, and what could not be confirmed. It refuses to invent: where no
// address is public, the host is a place to fill.
package presets

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"skand/forward"
	"skand/internal/nearest"
)

//go:embed *.yaml
var files embed.FS

// Preset is one ready-made template.
type Preset struct {
	Name        string         `json:"name"`
	Title       string         `json:"title"`
	Public      string         `json:"public"` // how much of it public documentation says: all, part, none
	Sources     []Source       `json:"sources"`
	Unconfirmed []string       `json:"unconfirmed"`
	Vars        []Var          `json:"vars"`
	Destination map[string]any `json:"destination"` // a destination of skand apply, with <places> in its texts
}

// Source is a page of public documentation.
type Source struct {
	URL  string `json:"url"`
	Says string `json:"says"`
}

// Var is a place to fill: <name> in the destination's texts.
type Var struct {
	Name    string `json:"name"`
	Means   string `json:"means"`
	Example string `json:"example"`
}

// own are the places of every preset.
var own = []Var{
	{"id", "the destination's id in skand", "network-events"},
	{"app_id", "the App Store id of the app", "525463029"},
	{"network_id", "the network's id, as in its installs; empty with scope all: no network", "example123.skadnetwork"},
}

// All returns every preset, by name.
func All() []Preset { return slices.Clone(all) }

var all = func() []Preset {
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		panic(err) // the files are compiled in
	}
	var list []Preset
	for _, e := range entries {
		raw, err := files.ReadFile(e.Name())
		if err != nil {
			panic(err)
		}
		var p Preset
		if err := yaml.UnmarshalWithOptions(raw, &p, yaml.Strict()); err != nil {
			panic(fmt.Sprintf("%s: %v", e.Name(), err))
		}
		p.Vars = slices.Concat(own, p.Vars)
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b Preset) int { return strings.Compare(a.Name, b.Name) })
	return list
}()

// Named returns a preset; the error of an unknown name tells the nearest.
func Named(name string) (Preset, error) {
	var names []string
	for _, p := range all {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	best, _ := nearest.Name(name, names)
	return Preset{}, fmt.Errorf("there is no template %q; the nearest is %s, and all are %s", name, best, strings.Join(names, ", "))
}

var (
	place = regexp.MustCompile(`<([a-z_]+)>`)
	// What stands in a place needs no escaping in a host, a path, a query or a JSON text.
	plain = regexp.MustCompile(`^[A-Za-z0-9._~-]+$`)
)

// Fill makes a destination. Every place needs its value, but for network_id where the
// preset's scope is all; the values need no escaping wherever they stand.
func (p Preset) Fill(values map[string]string) (forward.Destination, error) {
	var d forward.Destination
	for name := range values {
		if !slices.ContainsFunc(p.Vars, func(v Var) bool { return v.Name == name }) {
			return d, fmt.Errorf("template %s: it has no place %q to fill; it has %s", p.Name, name, p.places())
		}
	}
	for _, v := range p.Vars {
		value := values[v.Name]
		switch {
		case value == "" && v.Name == "network_id" && p.Destination["scope"] == forward.ScopeAll:
		case value == "":
			return d, fmt.Errorf("template %s: %s is missing: %s (such as %s)", p.Name, v.Name, v.Means, v.Example)
		case !plain.MatchString(value):
			return d, fmt.Errorf("template %s: %s: %q may hold letters, digits and . _ ~ - only", p.Name, v.Name, value)
		}
	}
	appID, err := strconv.ParseInt(values["app_id"], 10, 64)
	if err != nil {
		return d, fmt.Errorf("template %s: app_id: %q is not the App Store id of an app", p.Name, values["app_id"])
	}
	members, _ := fill(p.Destination, values).(map[string]any)
	members["id"], members["app_id"] = values["id"], appID
	if values["network_id"] != "" {
		members["network_id"] = values["network_id"]
	}
	raw, err := json.Marshal(members)
	if err != nil {
		return d, fmt.Errorf("template %s: %w", p.Name, err)
	}
	if err := d.UnmarshalJSON(raw); err != nil {
		return d, fmt.Errorf("template %s: %w", p.Name, err)
	}
	return d, nil
}

// Examples are the values of the places as the preset shows them.
func (p Preset) Examples() map[string]string {
	values := map[string]string{}
	for _, v := range p.Vars {
		values[v.Name] = v.Example
	}
	return values
}

func (p Preset) places() string {
	var names []string
	for _, v := range p.Vars {
		names = append(names, v.Name)
	}
	return strings.Join(names, ", ")
}

// fill copies a document with its places filled.
func fill(v any, values map[string]string) any {
	switch v := v.(type) {
	case string:
		return place.ReplaceAllStringFunc(v, func(m string) string { return values[strings.Trim(m, "<>")] })
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, member := range v {
			out[name] = fill(member, values)
		}
		return out
	case []any:
		out := make([]any, 0, len(v))
		for _, item := range v {
			out = append(out, fill(item, values))
		}
		return out
	}
	return v
}
