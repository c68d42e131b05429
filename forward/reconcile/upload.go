// Package reconcile compares what we counted for a network with what the network
// says it counted, day by day and event by event, and splits the difference by its
// causes.
//
// It owns the network's report (Upload), its forms (JSON, CSV), the split and the
// figures that stand on it. It refuses to decide what is a conversion of ours and
// what became of it (its caller says so, see Counted), and it holds no SQL: a report
// is a function of the uploads and the conversions. A difference is never explained
// away: causes explain at most what there is, and what is left is said.
package reconcile

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// Bounds of an upload.
const (
	MaxRows  = 20_000 // lines of a file, or rows of a body
	MaxBytes = 8 << 20
	maxName  = 200 // bytes of an event, a campaign or a source
	maxCount = 1_000_000_000_000
)

// Upload is what a network says it counted for an app on one day.
type Upload struct {
	AppID     int64  `json:"app_id"`
	NetworkID string `json:"network_id"` // lower case
	Day       string `json:"day"`        // 2026-11-02, the network's own calendar
	TimeZone  string `json:"time_zone"`  // America/Los_Angeles or UTC-8; "": nobody said
	Currency  string `json:"currency"`   // ISO 4217; "": no row has revenue
	Source    string `json:"source"`     // where the figures come from; free text
	Rows      []Row  `json:"rows"`       // none: the network counted nothing
}

// Row is one line of it. The network's names count, in letters of either case.
type Row struct {
	Event      string           `json:"event"`
	CampaignID string           `json:"campaign_id,omitempty"` // "": all campaigns that no other row of the event names
	Count      int64            `json:"count"`
	Revenue    *decimal.Decimal `json:"revenue,omitempty"` // nil: the network says nothing of it
}

// Problem is what is wrong with an upload. Line counts from 1, with the header of a
// file as the first; 0 is the upload as a whole.
type Problem struct {
	Line    int    `json:"line"`
	Field   string `json:"field"`
	Code    string `json:"code"` // missing, bad_value, too_long, too_many, duplicate, unknown_field, total_line
	Message string `json:"message"`
}

// Refused names everything that is wrong with an upload. Nothing of it is kept.
type Refused struct{ Problems []Problem }

func (e *Refused) Error() string {
	p := e.Problems[0]
	where := p.Field
	if p.Line > 0 {
		where = strings.TrimSuffix(fmt.Sprintf("line %d: %s", p.Line, p.Field), ": ")
	}
	text := strings.TrimPrefix(where+": "+p.Message, ": ")
	if n := len(e.Problems) - 1; n > 0 {
		text += fmt.Sprintf(" (and %d more)", n)
	}
	return text
}

// refused is nil where nothing is wrong.
func refused(problems []Problem) error {
	if len(problems) == 0 {
		return nil
	}
	slices.SortStableFunc(problems, func(a, b Problem) int { return a.Line - b.Line })
	return &Refused{problems}
}

var (
	currencyCode = regexp.MustCompile(`^[A-Z]{3}$`)
	networkName  = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,199}$`)
)

// CheckNetwork returns a network's id as it is kept, and what is wrong with it.
func CheckNetwork(id string) (string, error) {
	id = strings.ToLower(id)
	if !networkName.MatchString(id) {
		return "", &Refused{[]Problem{{Field: "network", Code: "bad_value", Message: "want a network id such as example123.skadnetwork"}}}
	}
	return id, nil
}

// ParseDay reads 2026-11-02; where is the field that an error names.
func ParseDay(text, where string) (time.Time, error) {
	day, err := time.Parse(time.DateOnly, text)
	if err != nil || day.Year() < 2000 {
		return time.Time{}, &Refused{[]Problem{{Field: where, Code: "bad_value", Message: fmt.Sprintf("%q is no day; write it as 2026-11-02", clip(text))}}}
	}
	return day, nil
}

// clip keeps a stranger's text short in a message.
func clip(s string) string {
	if len(s) > 60 {
		return s[:60] + "…"
	}
	return s
}

// checkHead judges what stands once in an upload.
func (u *Upload) checkHead() (faults []Problem) {
	bad := func(field, code, message string) { faults = append(faults, Problem{0, field, code, message}) }
	if u.AppID <= 0 {
		bad("app_id", "missing", "give the App Store id of the app, a positive number")
	}
	if u.TimeZone != "" {
		if _, err := ParseZone(u.TimeZone); err != nil {
			bad("time_zone", "bad_value", err.Error())
		}
	}
	switch {
	case u.Currency != "" && !currencyCode.MatchString(u.Currency):
		bad("currency", "bad_value", fmt.Sprintf("want a three-letter ISO 4217 code, got %q", clip(u.Currency)))
	case u.Currency == "" && u.priced():
		bad("currency", "missing", "rows have revenue; say in which currency, as in USD")
	}
	if !plain(u.Source) {
		bad("source", "too_long", fmt.Sprintf("want at most %d bytes without control characters", maxName))
	}
	if len(u.Rows) > MaxRows {
		bad("rows", "too_many", fmt.Sprintf("%d rows are too many; send at most %d", len(u.Rows), MaxRows))
	}
	return faults
}

// check judges a row that was read from a line.
func (r *Row) check(line int) (faults []Problem) {
	bad := func(field, code, message string) { faults = append(faults, Problem{line, field, code, message}) }
	switch {
	case r.Event == "":
		bad("event", "missing", "name the event as the network does, or install")
	case !plain(r.Event):
		bad("event", "too_long", fmt.Sprintf("want at most %d bytes without control characters", maxName))
	}
	if !plain(r.CampaignID) {
		bad("campaign_id", "too_long", fmt.Sprintf("want at most %d bytes without control characters", maxName))
	}
	if r.Count < 0 || r.Count > maxCount {
		bad("count", "bad_value", fmt.Sprintf("want a whole number from 0 to %d", int64(maxCount)))
	}
	return faults
}

func plain(s string) bool {
	return len(s) <= maxName && strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' }) < 0
}

// priced reports whether the network says anything of revenue.
func (u *Upload) priced() bool {
	return slices.ContainsFunc(u.Rows, func(r Row) bool { return r.Revenue != nil })
}

// merge adds up rows of one event and campaign, for reports are often finer than we
// compare, and returns how many went into another. The first spelling stays.
func (u *Upload) merge() (merged int) {
	type key struct{ event, campaign string }
	first := map[key]int{}
	var rows []Row
	for _, r := range u.Rows {
		k := key{fold(r.Event), r.CampaignID}
		i, known := first[k]
		if !known {
			first[k] = len(rows)
			rows = append(rows, r)
			continue
		}
		merged++
		rows[i].Count += r.Count
		if r.Revenue != nil {
			sum := *r.Revenue
			if rows[i].Revenue != nil {
				sum = sum.Add(*rows[i].Revenue)
			}
			rows[i].Revenue = &sum
		}
	}
	slices.SortFunc(rows, func(a, b Row) int {
		return strings.Compare(fold(a.Event)+"\x00"+a.CampaignID, fold(b.Event)+"\x00"+b.CampaignID)
	})
	u.Rows = rows
	return merged
}

// fold makes names that differ in case and outer spaces one.
func fold(name string) string { return strings.ToLower(strings.TrimSpace(name)) }
