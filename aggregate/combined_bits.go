package aggregate

import (
	"strconv"
	"strings"
)

// BitsOf reads from published bins how many installs have the overlap bit and how many
// have not. A bin that holds both kinds of values, or values of which no version is
// known, tells neither.
func BitsOf(bins []ValueBin, hasBit func(version, value int) bool) []OverlapBits {
	at := map[histogramKey]int{}
	var out []OverlapBits
	for _, b := range bins {
		if b.Kind != BinFine || b.Installs == nil {
			continue
		}
		key := histogramKey{b.NetworkID, b.IDKind, b.Source2}
		i, known := at[key]
		if !known {
			i = len(out)
			at[key] = i
			out = append(out, OverlapBits{NetworkID: b.NetworkID, IDKind: b.IDKind, Source2: b.Source2})
		}
		switch b.contains(hasBit) {
		case every:
			out[i].With += *b.Installs
		case none:
			out[i].Without += *b.Installs
		}
	}
	return out
}

// contains tells how many of the bin's values are such.
func (v ValueBin) contains(is func(version, value int) bool) contains {
	yes, all := 0, 0
	for part := range strings.SplitSeq(v.Values, ";") {
		version, list, several := strings.Cut(part, ":")
		number := v.SchemaVersion
		if !several {
			list = part
		} else if n, err := strconv.Atoi(version); err == nil {
			number = n
		}
		for run := range strings.SplitSeq(list, ",") {
			first, last, isRun := strings.Cut(run, "-")
			from, err := strconv.Atoi(first)
			if err != nil {
				return some
			}
			to := from
			if isRun {
				if to, err = strconv.Atoi(last); err != nil {
					return some
				}
			}
			for value := from; value <= min(to, maxValue); value++ {
				all++
				if is(number, value) {
					yes++
				}
			}
		}
	}
	switch {
	case yes == 0 && all > 0:
		return none
	case yes == all && all > 0:
		return every
	}
	return some
}
