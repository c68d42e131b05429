package apply

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
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
				return nil, fmt.Errorf("%s: holds none of apps, networks, destinations, trusted_keys, forward, rates, and no app names it as its schema", files[i])
			}
			continue
		}
		whole.Apps = append(whole.Apps, b.Apps...)
		whole.Networks = append(whole.Networks, b.Networks...)
		whole.Destinations = append(whole.Destinations, b.Destinations...)
		whole.TrustedKeys = append(whole.TrustedKeys, b.TrustedKeys...)
		whole.Rates = append(whole.Rates, b.Rates...)
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
	if b.Secrets != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, errSecretsInFile)
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
		if doc, err = translate(doc); err != nil {
			return nil, nil, fmt.Errorf("%s: apps[%d].schema: %s: %w", path, i, name, err)
		}
		b.Apps[i].Schema = doc
		schemas = append(schemas, file)
	}
	return b, schemas, nil
}

func looksLikeBundle(text []byte) bool {
	doc, err := translate(text)
	if err != nil {
		return true // let Parse say what is wrong with it
	}
	var probe map[string]json.RawMessage
	if json.Unmarshal(doc, &probe) != nil {
		return true
	}
	for _, key := range bundleKeys {
		if _, ok := probe[key]; ok {
			return true
		}
	}
	return false
}

var bundleKeys = []string{"apps", "networks", "destinations", "trusted_keys", "forward", "rates", "costs", "payouts"}

// translate returns the JSON of a text that is JSON or YAML.
func translate(text []byte) ([]byte, error) {
	trimmed := bytes.TrimSpace(text)
	if bytes.HasPrefix(trimmed, []byte("{")) {
		return trimmed, nil
	}
	return YAMLToJSON(text)
}

// Parse reads one bundle from YAML or JSON. An unknown member is an error, and so
// is one that is there twice: of two lists of apps one would be lost unseen.
func Parse(text []byte) (*Bundle, error) {
	doc, err := translate(text)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.DisallowUnknownFields()
	var b Bundle
	if err := dec.Decode(&b); err != nil {
		return nil, explain(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("holds more than one document; give one")
	}
	if err := noDuplicates(json.NewDecoder(bytes.NewReader(doc)), ""); err != nil {
		return nil, err
	}
	return &b, nil
}

// noDuplicates reads one JSON value, known to be well formed.
func noDuplicates(dec *json.Decoder, where string) error {
	t, err := dec.Token()
	if err != nil {
		return err
	}
	switch t {
	case json.Delim('{'):
		seen := map[string]bool{}
		for dec.More() {
			name, err := dec.Token()
			if err != nil {
				return err
			}
			member := strings.TrimPrefix(fmt.Sprintf("%s.%s", where, name), ".")
			if seen[member] {
				return fmt.Errorf("%s: is there twice; keep one", member)
			}
			seen[member] = true
			if err := noDuplicates(dec, member); err != nil {
				return err
			}
		}
	case json.Delim('['):
		for i := 0; dec.More(); i++ {
			if err := noDuplicates(dec, fmt.Sprintf("%s[%d]", where, i)); err != nil {
				return err
			}
		}
	default:
		return nil
	}
	_, err = dec.Token() // the closing bracket
	return err
}

func explain(err error) error {
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) {
		if wrongType.Field == "" {
			return fmt.Errorf("want an object with apps, networks, destinations, trusted_keys, forward or rates, got %s", wrongType.Value)
		}
		return fmt.Errorf("%s: want %s, got %s", wrongType.Field, wrongType.Type, wrongType.Value)
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return fmt.Errorf("%s is not a setting that this version knows; see the table of settings in docs/apply.md", name)
	}
	return err
}
