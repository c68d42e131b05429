package auth

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const maxEmail = 254 // RFC 5321

var errEmail = errors.New("want an e-mail address such as anna@example.com, of visible ASCII letters")

// NormaliseEmail is an address as accounts are found by it: trimmed and in lower case.
// Only ASCII is taken, since beyond it there are letters that lower case makes equal
// to others (the Kelvin sign to k), and who owns one address must not be taken for the
// owner of another.
func NormaliseEmail(raw string) (string, error) {
	s := strings.TrimSpace(raw)
	local, domain, ok := strings.Cut(s, "@")
	if !ok || local == "" || len(s) > maxEmail || strings.ContainsFunc(s, notVisible) || strings.ContainsAny(s, `"(),:;<>[\]`) {
		return "", errEmail
	}
	if domain == "" || strings.ContainsAny(domain, "@_") || strings.HasPrefix(domain, ".") || strings.HasSuffix(domain, ".") {
		return "", errEmail
	}
	return strings.ToLower(s), nil
}

// domainOf is what follows the @ of a normalised address.
func domainOf(email string) string { return email[strings.LastIndexByte(email, '@')+1:] }

// FormatApps writes a grant as it is kept: ids with commas between them, "" for every
// app.
func FormatApps(apps []int64) string {
	words := make([]string, len(apps))
	for i, id := range apps {
		words[i] = strconv.FormatInt(id, 10)
	}
	return strings.Join(words, ",")
}

// ParseApps reads what FormatApps wrote: nil is every app. What can't be read is an
// error, for a grant that is misread must not open more than it says.
func ParseApps(list string) ([]int64, error) {
	if list == "" {
		return nil, nil
	}
	var apps []int64
	for word := range strings.SplitSeq(list, ",") {
		id, err := strconv.ParseInt(strings.TrimSpace(word), 10, 64)
		if err != nil || id <= 0 {
			return nil, fmt.Errorf("app %q: want the App Store id of an app", word)
		}
		apps = append(apps, id)
	}
	return checkApps(apps)
}

// maxApps bounds a grant: it goes into every query of its owner.
const maxApps = 500

// checkApps sorts a grant, each app once; an empty one is nil, every app.
func checkApps(apps []int64) ([]int64, error) {
	if len(apps) == 0 {
		return nil, nil
	}
	apps = slices.Clone(apps)
	slices.Sort(apps)
	apps = slices.Compact(apps)
	if apps[0] <= 0 {
		return nil, fmt.Errorf("app %d: want the App Store id of an app", apps[0])
	}
	if len(apps) > maxApps {
		return nil, fmt.Errorf("%d apps: want at most %d, or none for every app", len(apps), maxApps)
	}
	return apps, nil
}
