package pages

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Locale is how a reader's language writes numbers. Words are English, times are UTC.
type Locale struct {
	Group, Decimal string
	sizes          [2]int // of the group at the decimal point, and of those beyond it
	least          int    // digits below which nothing is grouped
}

const (
	narrow = "\u202f" // a space that no line breaks at
	nobr   = "\u00a0"
)

var english = Locale{",", ".", [2]int{3, 3}, 4}

// locales are those of the Unicode CLDR's languages that write numbers otherwise than
// English does, with the regions that differ from their language.
var locales = map[string]Locale{
	"en": english, "ja": english, "zh": english, "ko": english, "he": english, "th": english,
	"en-in": {",", ".", [2]int{3, 2}, 4}, "hi": {",", ".", [2]int{3, 2}, 4},
	"de": {".", ",", [2]int{3, 3}, 4}, "nl": {".", ",", [2]int{3, 3}, 4}, "da": {".", ",", [2]int{3, 3}, 4}, "tr": {".", ",", [2]int{3, 3}, 4},
	"id": {".", ",", [2]int{3, 3}, 4}, "vi": {".", ",", [2]int{3, 3}, 4}, "el": {".", ",", [2]int{3, 3}, 4}, "pt-br": {".", ",", [2]int{3, 3}, 4},
	"es": {".", ",", [2]int{3, 3}, 5}, "it": {".", ",", [2]int{3, 3}, 5}, "pt": {nobr, ",", [2]int{3, 3}, 5}, "pl": {nobr, ",", [2]int{3, 3}, 5},
	"es-mx": english, "es-us": english, "de-ch": {"’", ".", [2]int{3, 3}, 4}, "de-at": {nobr, ",", [2]int{3, 3}, 4},
	"fr": {narrow, ",", [2]int{3, 3}, 4}, "cs": {nobr, ",", [2]int{3, 3}, 4}, "sk": {nobr, ",", [2]int{3, 3}, 4}, "sv": {nobr, ",", [2]int{3, 3}, 4},
	"nb": {nobr, ",", [2]int{3, 3}, 4}, "no": {nobr, ",", [2]int{3, 3}, 4}, "fi": {nobr, ",", [2]int{3, 3}, 4}, "hu": {nobr, ",", [2]int{3, 3}, 4},
	"ru": {nobr, ",", [2]int{3, 3}, 4}, "uk": {nobr, ",", [2]int{3, 3}, 4}, "ro": {".", ",", [2]int{3, 3}, 4}, "bg": {nobr, ",", [2]int{3, 3}, 5},
}

// LocaleOf picks by an Accept-Language header: its first language by weight that is
// known, else English.
func LocaleOf(header string) Locale {
	type wish struct {
		tag    string
		weight float64
	}
	var wishes []wish
	for _, part := range strings.Split(header, ",") {
		tag, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		weight := 1.0
		if q, ok := strings.CutPrefix(strings.ReplaceAll(params, " ", ""), "q="); ok {
			var err error
			if weight, err = strconv.ParseFloat(q, 64); err != nil {
				continue
			}
		}
		if weight > 0 && len(wishes) < 20 {
			wishes = append(wishes, wish{strings.ToLower(tag), weight})
		}
	}
	slices.SortStableFunc(wishes, func(a, b wish) int { return cmp.Compare(b.weight, a.weight) })
	for _, w := range wishes {
		for tag := w.tag; tag != ""; {
			if l, ok := locales[tag]; ok {
				return l
			}
			cut := strings.LastIndexByte(tag, '-')
			if cut < 0 {
				break
			}
			tag = tag[:cut]
		}
	}
	return english
}

// Int writes a whole number.
func (l Locale) Int(n int64) string { return l.Digits(strconv.FormatInt(n, 10)) }

// Digits writes a decimal number as digits, a point and decimals: none is added, none is
// taken away.
func (l Locale) Digits(s string) string {
	if l.Decimal == "" {
		l = english
	}
	sign, whole := "", s
	if rest, ok := strings.CutPrefix(s, "-"); ok {
		sign, whole = "\u2212", rest
	}
	whole, decimals, has := strings.Cut(whole, ".")
	for _, c := range whole + decimals {
		if c < '0' || c > '9' {
			return s // no number
		}
	}
	if len(whole) >= l.least {
		whole = l.group(whole)
	}
	if has {
		whole += l.Decimal + decimals
	}
	return sign + whole
}

func (l Locale) group(digits string) string {
	var parts []string
	size := l.sizes[0]
	for len(digits) > size {
		parts = append(parts, digits[len(digits)-size:])
		digits, size = digits[:len(digits)-size], l.sizes[1]
	}
	parts = append(parts, digits)
	slices.Reverse(parts)
	return strings.Join(parts, l.Group)
}

// FormatID writes an id: digits without groups.
func FormatID(n int64) string { return strconv.FormatInt(n, 10) }

// Percent writes a share as per cent with one decimal below 10, else without.
func (l Locale) Percent(share float64) string {
	p := share * 100
	decimals := 1
	if p >= 10 || p == 0 {
		decimals = 0
	}
	return l.Digits(strconv.FormatFloat(p, 'f', decimals, 64)) + "\u202f%"
}

// Money writes an amount with at least two decimals; all that it has are kept, so that
// a page shows what the CSV file holds.
func (l Locale) Money(digits string) string {
	_, decimals, has := strings.Cut(digits, ".")
	switch {
	case !has:
		digits += ".00"
	case len(decimals) == 1:
		digits += "0"
	}
	return l.Digits(digits)
}
