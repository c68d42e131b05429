package apply

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"slices"

	"skand/schema"
)

// File is one file of an exported folder.
type File struct {
	Name string // below the folder, with slashes
	Text []byte
}

// kinds are the files of an export but the schemas, without their ending.
var kinds = []string{"apps", "networks", "destinations", "trusted_keys", "forward", "rates"}

const schemaFolder = "schemas"

// Files writes the bundle as the files that Read reads back: one for each kind of
// thing and one for each schema, the same bytes for the same bundle. There is
// always an apps.yaml, so that even an empty store gives a folder to apply.
func (b *Bundle) Files() ([]File, error) {
	lean := *b
	lean.Apps = slices.Clone(b.Apps)
	var schemas []File
	for i := range lean.Apps {
		app := &lean.Apps[i]
		file, err := app.schemaFile()
		if err != nil {
			return nil, err
		}
		if file == nil {
			app.Schema = nil
			continue
		}
		if app.Schema, err = json.Marshal(file.Name); err != nil {
			return nil, fmt.Errorf("app %d: %w", app.AppID, err)
		}
		schemas = append(schemas, *file)
	}
	if lean.Apps == nil {
		lean.Apps = []App{}
	}
	var files []File
	for _, kind := range kinds {
		content, some := lean.kind(kind)
		if !some {
			continue
		}
		file, err := kindFile(kind, content)
		if err != nil {
			return nil, fmt.Errorf("write %s: %w", kind, err)
		}
		files = append(files, file)
	}
	return append(files, schemas...), nil
}

// kind gives what goes into one file, and whether there is any.
func (b *Bundle) kind(name string) (content any, some bool) {
	switch name {
	case "apps":
		return b.Apps, true
	case "networks":
		return b.Networks, len(b.Networks) > 0
	case "destinations":
		return b.Destinations, len(b.Destinations) > 0
	case "trusted_keys":
		return b.TrustedKeys, len(b.TrustedKeys) > 0
	case "rates":
		return b.Rates, len(b.Rates) > 0
	default:
		return b.Forward, b.Forward != nil
	}
}

// kindFile is YAML; JSON where YAML would be more than is read back.
func kindFile(kind string, content any) (File, error) {
	raw, err := compactJSON(map[string]any{kind: content})
	if err != nil {
		return File{}, err
	}
	text, err := yamlOf(raw)
	if err != nil {
		return File{}, err
	}
	text = append([]byte("# Written by skand export; read by skand apply.\n"), text...)
	if len(text) <= maxYAML {
		return File{kind + ".yaml", text}, nil
	}
	text, err = indented(raw)
	return File{kind + ".json", text}, err
}

// schemaFile is the app's schema in its canonical form, indented; nil if it has none.
func (a *App) schemaFile() (*File, error) {
	doc, err := a.Document()
	if err != nil {
		return nil, fmt.Errorf("app %d: schema: %w", a.AppID, err)
	}
	if doc == nil {
		return nil, nil
	}
	text, err := IndentedSchema(doc)
	if err != nil {
		return nil, fmt.Errorf("app %d: %w", a.AppID, err)
	}
	return &File{path.Join(schemaFolder, fmt.Sprintf("app-%d.json", a.AppID)), text}, nil
}

// IndentedSchema is the canonical form of a document, on lines for people and
// version control.
func IndentedSchema(d *schema.Document) ([]byte, error) {
	raw, err := d.Canonical()
	if err != nil {
		return nil, err
	}
	return indented(raw)
}

func indented(raw []byte) ([]byte, error) {
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", "  "); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// compactJSON leaves < and & as they are: URLs are full of them.
func compactJSON(v any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSpace(out.Bytes()), err
}
