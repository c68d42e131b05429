package apply

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/goccy/go-yaml"
)

// Read reads one file, or every .yaml, .yml and .json file of a folder that holds
// bundles (a schema that a bundle names is read with it, not by itself).
func Read(path string) (*Bundle, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	files := []string{path}
	if info.IsDir() {
		if files, err = bundleFiles(path); err != nil {
			return nil, err
		}
	}
	whole := &Bundle{}
	named := map[string]bool{}
	var parts []*Bundle
	for _, f := range files {
		b, schemas, err := readFile(f, info.IsDir())
		if err != nil {
			return nil, err
		}
		for _, s := range schemas {
			named[s] = true
		}
		parts = append(parts, b)
	}
	for i, b := range parts {
		if b == nil {
			if !named[files[i]] {
				return nil, fmt.Errorf("%s: holds none of apps, networks, destinations, trusted_keys, forward, and no app names it as its schema", files[i])
			}
			continue
		}
		whole.Apps = append(whole.Apps, b.Apps...)
		whole.Networks = append(whole.Networks, b.Networks...)
		whole.Destinations = append(whole.Destinations, b.Destinations...)
		whole.TrustedKeys = append(whole.TrustedKeys, b.TrustedKeys...)
		if b.Forward != nil {
			whole.Forward = b.Forward
		}
	}
	return whole, nil
}

func bundleFiles(dir string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !d.IsDir() && slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(filepath.Ext(path))) {
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", dir, err)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("read %s: no .yaml, .yml or .json file in it", dir)
	}
	sort.Strings(files)
	return files, nil
}

// readFile returns nil, and no error, for a file of a folder that is no bundle.
func readFile(path string, inFolder bool) (*Bundle, []string, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", path, err)
	}
	if inFolder && !looksLikeBundle(text) {
		return nil, nil, nil
	}
	b, err := Parse(text)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	var schemas []string
	for i := range b.Apps {
		var name string
		if json.Unmarshal(b.Apps[i].Schema, &name) != nil || name == "" {
			continue
		}
		file := filepath.Join(filepath.Dir(path), name)
		doc, err := os.ReadFile(file) //nolint:gosec // the operator names the file
		if err != nil {
			return nil, nil, fmt.Errorf("%s: apps[%d].schema: %w", path, i, err)
		}
		b.Apps[i].Schema = doc
		schemas = append(schemas, file)
	}
	return b, schemas, nil
}

func looksLikeBundle(text []byte) bool {
	var probe map[string]any
	if yaml.Unmarshal(text, &probe) != nil {
		return true // let Parse say what is wrong with it
	}
	for _, key := range bundleKeys {
		if _, ok := probe[key]; ok {
			return true
		}
	}
	return false
}

var bundleKeys = []string{"apps", "networks", "destinations", "trusted_keys", "forward", "rates", "costs", "payouts"}

// Parse reads one bundle from YAML or JSON. An unknown member is an error.
func Parse(text []byte) (*Bundle, error) {
	trimmed := bytes.TrimSpace(text)
	if !bytes.HasPrefix(trimmed, []byte("{")) {
		var err error
		if trimmed, err = yaml.YAMLToJSON(text); err != nil {
			return nil, fmt.Errorf("not YAML: %w", err)
		}
	}
	dec := json.NewDecoder(bytes.NewReader(trimmed))
	dec.DisallowUnknownFields()
	var b Bundle
	if err := dec.Decode(&b); err != nil {
		return nil, explain(err)
	}
	if dec.More() {
		return nil, errors.New("holds more than one document; give one")
	}
	return &b, nil
}

func explain(err error) error {
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) {
		return fmt.Errorf("%s: want %s, got %s", wrongType.Field, wrongType.Type, wrongType.Value)
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return fmt.Errorf("%s is not a setting that this version knows; see the table of settings in docs/apply.md", name)
	}
	return err
}
