package reconcile

import (
	"fmt"
	"strings"
)

// The columns of a file.
const (
	columnDay      = "day"
	columnEvent    = "event"
	columnCampaign = "campaign_id"
	columnCount    = "count"
	columnRevenue  = "revenue"
	columnCurrency = "currency"
	columnZone     = "time_zone"
	columnInstalls = "installs" // a count whose event is the header itself
)

// headings are what networks and tracking vendors call our columns in the reports that
// they let one download, in the form that simple gives them.
var headings = map[string][]string{
	columnDay:      {"day", "date", "by day", "stat time day", "report date", "activity date", "event date", "reporting date"},
	columnEvent:    {"event", "event name", "conversion action", "conversion name", "conversion event", "in app event", "event type", "action type", "activity", "postback event"},
	columnCampaign: {"campaign id", "campaign", "campaign ids", "c id"},
	columnCount:    {"count", "conversions", "event count", "event counter", "total events", "events", "results", "all conv", "quantity", "event conversions"},
	columnRevenue:  {"revenue", "event revenue", "total revenue", "conversion value", "conv value", "conversions value", "value", "purchase value", "sales"},
	columnCurrency: {"currency", "cost currency", "revenue currency", "currency code", "account currency"},
	columnZone:     {"time zone", "timezone", "report timezone"},
	columnInstalls: {"installs", "app installs", "total installs", "app install", "mobile app installs"},
}

var columnOf = func() map[string]string {
	m := map[string]string{}
	for column, names := range headings {
		for _, name := range names {
			m[name] = column
		}
	}
	return m
}()

// simple is a heading in small letters with single spaces and without what stands in
// brackets, which is a unit: "Revenue (USD)", "Conv. value", "campaign_id".
func simple(heading string) string {
	if before, _, found := strings.Cut(heading, "("); found && strings.TrimSpace(before) != "" {
		heading = before
	}
	return strings.Join(strings.FieldsFunc(strings.ToLower(heading), func(r rune) bool {
		return strings.ContainsRune(" \t_-./#:\u00a0", r)
	}), " ")
}

// header is where in a line the columns stand; -1: nowhere.
type header struct {
	at       map[string]int
	names    []string
	warnings []string
	event    string // of every line, where no column says it
}

func (h *header) column(name string) int {
	if i, ok := h.at[name]; ok {
		return i
	}
	return -1
}

// readHeader finds the columns, or says what is missing.
func readHeader(names []string, line int) (*header, []Problem) {
	h := &header{at: map[string]int{}, names: names}
	var faults []Problem
	var unknown []string
	for i, name := range names {
		column, ok := columnOf[simple(name)]
		if !ok {
			if name = strings.TrimSpace(name); name != "" {
				unknown = append(unknown, fmt.Sprintf("%q", clip(name)))
			}
			continue
		}
		if first, twice := h.at[column]; twice {
			faults = append(faults, Problem{line, column, "duplicate", fmt.Sprintf("the columns %q and %q both say it; keep one", clip(names[first]), clip(name))})
			continue
		}
		h.at[column] = i
	}
	if len(unknown) > 0 {
		h.warnings = append(h.warnings, "columns that nothing is read from: "+strings.Join(unknown, ", "))
	}
	_, installs := h.at[columnInstalls]
	_, count := h.at[columnCount]
	switch _, event := h.at[columnEvent]; {
	case installs && count:
		faults = append(faults, Problem{line, columnCount, "duplicate", fmt.Sprintf("the columns %q and %q both count; keep one",
			clip(names[h.at[columnInstalls]]), clip(names[h.at[columnCount]]))})
	case installs && event:
		h.at[columnCount] = h.at[columnInstalls]
	case installs:
		h.at[columnCount], h.event = h.at[columnInstalls], "install"
	case !event:
		faults = append(faults, Problem{line, columnEvent, "missing", "no column names the event; call it event, or the one that counts installs"})
	case !count:
		faults = append(faults, Problem{line, columnCount, "missing", "no column counts; call it count"})
	}
	return h, faults
}
