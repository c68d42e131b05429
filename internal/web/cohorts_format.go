package web

import (
	"io"
	"mime"
	"strconv"
	"strings"
)

// cohortFormat is one way to write cohorts.
type cohortFormat struct {
	name        string
	contentType string
	accepts     []string // media types that ask for it
	paged       bool     // a page at a time, with a cursor
	writer      func(w io.Writer, seen *ledger) rowWriter
}

var cohortFormats = []*cohortFormat{
	{
		name: "json", contentType: "application/json", accepts: []string{"application/json"}, paged: true,
		writer: func(w io.Writer, _ *ledger) rowWriter { return &jsonRows{w: w} },
	},
	{
		name: "csv", contentType: "text/csv; charset=utf-8", accepts: []string{"text/csv"},
		writer: func(w io.Writer, _ *ledger) rowWriter { return newCSVRows(w) },
	},
	{
		name: "ndjson", contentType: "application/x-ndjson", accepts: []string{"application/x-ndjson", "application/ndjson", "application/jsonl"},
		writer: func(w io.Writer, _ *ledger) rowWriter { return &ndjsonRows{w: w} },
	},
	{
		name: "parquet", contentType: "application/vnd.apache.parquet", accepts: []string{"application/vnd.apache.parquet"},
		writer: func(w io.Writer, seen *ledger) rowWriter { return &parquetRows{w: w, about: seen.about()} },
	},
}

func cohortFormatNamed(name string) *cohortFormat {
	for _, f := range cohortFormats {
		if f.name == name {
			return f
		}
	}
	return nil
}

func cohortFormatNames() []string {
	names := make([]string, len(cohortFormats))
	for i, f := range cohortFormats {
		names[i] = f.name
	}
	return names
}

// acceptedFormat picks by Accept headers: the highest weight, then what is named
// most exactly, then the first of ours. Without a header it is JSON; nil: none.
func acceptedFormat(headers []string) *cohortFormat {
	if strings.Join(headers, "") == "" {
		return cohortFormats[0]
	}
	var best *cohortFormat
	var bestWeight float64
	var bestExact int
	for _, f := range cohortFormats {
		weight, exact := f.wanted(headers)
		if weight > bestWeight || weight == bestWeight && weight > 0 && exact > bestExact {
			best, bestWeight, bestExact = f, weight, exact
		}
	}
	return best
}

// wanted is the weight that Accept headers give to a format, by their entry that
// names it most exactly: 3 as the type, 2 as text/*, 1 as */*; 0: not at all.
func (f *cohortFormat) wanted(headers []string) (weight float64, exact int) {
	for _, entry := range strings.Split(strings.Join(headers, ","), ",") {
		kind, params, err := mime.ParseMediaType(entry)
		if err != nil {
			continue // what can't be read asks for nothing
		}
		for _, own := range f.accepts {
			as := 0
			switch major, _, _ := strings.Cut(own, "/"); kind {
			case own:
				as = 3
			case major + "/*":
				as = 2
			case "*/*":
				as = 1
			}
			if as <= exact {
				continue
			}
			exact, weight = as, 1
			if q, err := strconv.ParseFloat(params["q"], 64); err == nil {
				weight = q
			}
		}
	}
	return weight, exact
}
