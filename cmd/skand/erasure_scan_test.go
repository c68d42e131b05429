package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
)

// needles are a text in every form in which a program may write it down: as it is, in
// either case, without its dashes, as bytes, in hexadecimal, in base64 wherever it
// begins, in UTF-16.
func needles(text string) (folded, exact [][]byte) {
	forms := map[string]bool{text: true, strings.ToLower(text): true, strings.ToUpper(text): true, strings.ReplaceAll(text, "-", ""): true}
	for form := range forms {
		folded = append(folded, bytes.ToLower([]byte(form)), bytes.ToLower([]byte(hex.EncodeToString([]byte(form)))))
		var little, big []byte
		for _, u := range utf16.Encode([]rune(form)) {
			little, big = append(little, byte(u), byte(u>>8)), append(big, byte(u>>8), byte(u))
		}
		folded = append(folded, bytes.ToLower(little), bytes.ToLower(big))
		for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			for shift := range 3 {
				// The characters at both ends depend on what stands beside it.
				coded := enc.EncodeToString(append(make([]byte, shift), form...))
				exact = append(exact, []byte(coded[4:len(coded)-4]))
			}
		}
	}
	if raw, err := hex.DecodeString(strings.ReplaceAll(text, "-", "")); err == nil {
		exact = append(exact, raw)
	}
	return folded, exact
}

// inClear names what of texts stands in content.
func inClear(content []byte, texts ...string) (names []string) {
	lower := bytes.ToLower(content)
	for _, text := range texts {
		folded, exact := needles(text)
		there := false
		for _, n := range folded {
			there = there || bytes.Contains(lower, n)
		}
		for _, n := range exact {
			there = there || bytes.Contains(content, n)
		}
		if there {
			names = append(names, text)
		}
	}
	return names
}

// scan looks through every file below the folders and tells, for each text that it
// finds, in which.
func scan(t *testing.T, folders []string, log string, texts ...string) (hits map[string][]string, size int64) {
	t.Helper()
	hits = map[string][]string{}
	look := func(name string, content []byte) {
		size += int64(len(content))
		for _, text := range inClear(content, texts...) {
			hits[text] = append(hits[text], name)
		}
	}
	for _, folder := range folders {
		require.NoError(t, filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // a server's temporary file
			}
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			content, err := os.ReadFile(path)
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err == nil {
				look(path, content)
			}
			return err
		}))
	}
	look("the log of serve", []byte(log))
	return hits, size
}

// The scan is only worth what it finds.
func TestScanFinds(t *testing.T) {
	t.Parallel()
	const phone = "6D92078A-C0DE-4BA4-AE5B-76104861E7DC"
	wide := func(s string) string {
		var b []byte
		for _, u := range utf16.Encode([]rune(s)) {
			b = append(b, byte(u), byte(u>>8))
		}
		return string(b)
	}
	raw, err := hex.DecodeString(strings.ReplaceAll(phone, "-", ""))
	require.NoError(t, err)
	for _, written := range []string{
		phone, strings.ToLower(phone), strings.ReplaceAll(phone, "-", ""), string(raw), wide(phone), "\x00" + wide(strings.ToLower(phone)),
		hex.EncodeToString([]byte(phone)), strings.ToUpper(hex.EncodeToString([]byte(phone))),
		base64.StdEncoding.EncodeToString([]byte(`{"idfa":"` + phone + `"}`)), base64.StdEncoding.EncodeToString([]byte(`{"id":"` + phone + `"}`)),
		base64.RawURLEncoding.EncodeToString([]byte(phone + "~~")), base64.StdEncoding.EncodeToString([]byte(`"x=` + strings.ToLower(phone) + `?`)),
	} {
		require.Equal(t, []string{phone}, inClear([]byte("…"+written+"…"), phone, "6D92078A-C0DE-4BA4-EE5B-76104861E7DC"), "%q", written)
	}
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a"), []byte("--"+phone), 0o600))
	hits, size := scan(t, []string{dir}, "log of "+phone, phone)
	require.Len(t, hits[phone], 2)
	require.Greater(t, size, int64(80))
}
