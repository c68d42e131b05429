package main

import (
	"path/filepath"
	"strings"

	"skand/internal/apply"
)

// schemaJSON returns the JSON of a schema file; .yaml and .yml are translated by
// the text of their scalars, so that amounts keep their digits.
func schemaJSON(name string, text []byte) ([]byte, error) {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".yaml", ".yml":
		return apply.YAMLToJSON(text)
	default:
		return text, nil
	}
}
