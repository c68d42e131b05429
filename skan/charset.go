package skan

import "strings"

// The character sets of signed strings. They keep U+2063, the separator of the
// signed string, and control characters out of every value: otherwise a genuine
// 2.0 postback verifies again as 1.0 under a new identity (field-shift replay).

const maxName = 255

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// isNetworkID is ^[A-Za-z0-9][A-Za-z0-9.-]*$.
func isNetworkID(s string) bool {
	if s == "" || len(s) > maxName || !isAlnum(s[0]) {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isAlnum(c) && c != '.' && c != '-' {
			return false
		}
	}
	return true
}

// isUUID takes either case: AdAttributionKit sends upper case, SKAdNetwork lower.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
		} else if c < '0' || c > '9' && c < 'A' || c > 'F' && c < 'a' || c > 'f' {
			return false
		}
	}
	return true
}

// isSourceIdentifier is two to four digits; leading zeros are legal.
func isSourceIdentifier(s string) bool {
	return len(s) >= 2 && len(s) <= 4 && isDigits(s)
}

// isHostName refuses bare numbers: a source-domain "0" would give the same
// signed bytes as a source-app-id 0.
func isHostName(s string) bool {
	if len(s) > 253 {
		return false
	}
	last := ""
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			if !isAlnum(label[i]) && label[i] != '-' {
				return false
			}
		}
		last = label
	}
	return !isDigits(last)
}

// isVersion is digits, a point, digits: what a future version would look like.
func isVersion(s string) bool {
	major, minor, found := strings.Cut(s, ".")
	return found && len(s) <= 16 && isDigits(major) && isDigits(minor)
}

func isCountry(s string) bool {
	return len(s) == 2 && isAlnum(s[0]) && isAlnum(s[1]) && s[0] > '9' && s[1] > '9'
}

func isCoarse(s string) bool { return s == CoarseLow || s == CoarseMedium || s == CoarseHigh }

func isInteraction(s string) bool { return s == "click" || s == "view" }

func notEmpty(s string) bool { return s != "" }
