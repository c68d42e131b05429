package reconcile

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/shopspring/decimal"
)

// Cells are the table as lines of text, names first: what CSV has. harmless makes a
// stranger's text safe for where it goes.
func (v *View) Cells(harmless func(string) string) [][]string {
	if v.Causes != nil {
		out := [][]string{{"network_id", "cause", "count", "share", "currency", "revenue", "revenue_share"}}
		for _, c := range v.Causes {
			out = append(out, []string{harmless(c.NetworkID), c.Cause, number(c.Count), share(c.Share), c.Currency, share(c.Revenue), share(c.RevenueShare)})
		}
		return out
	}
	head := []string{"network_id", "day", "event", "campaign_id", "ours", "eligible", "delivered", "theirs", "difference", "share"}
	for _, c := range Causes() {
		head = append(head, c.String())
	}
	head = append(head, "unexplained", "currency", "revenue_ours", "revenue_theirs", "revenue_difference", "revenue_share")
	for _, c := range Causes() {
		head = append(head, "revenue_"+c.String())
	}
	out := [][]string{append(head, "revenue_unexplained", "revenue_refused", "nearest")}
	for i := range v.Data {
		out = append(out, v.Data[i].cells(harmless))
	}
	return out
}

func (l *LineView) cells(harmless func(string) string) []string {
	cells := []string{
		harmless(l.NetworkID), l.Day, harmless(l.Event), harmless(l.CampaignID), number(l.Ours), number(l.Eligible), number(l.Delivered),
		number(l.Theirs), number(l.Difference), share(l.Share),
	}
	for _, c := range Causes() {
		cells = append(cells, number(l.Causes[c.String()]))
	}
	cells = append(cells, number(l.Unexplained), l.Currency)
	if m := l.Revenue; m != nil {
		cells = append(cells, m.Ours.String(), m.Theirs.String(), m.Difference.String(), share(m.Share))
		for _, c := range Causes() {
			cells = append(cells, m.Causes[c.String()].String())
		}
		cells = append(cells, m.Unexplained.String())
	} else {
		cells = append(cells, make([]string, 5+len(Causes()))...)
	}
	return append(cells, harmless(l.Refused), harmless(l.Nearest))
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

func share(d *decimal.Decimal) string {
	if d == nil {
		return ""
	}
	return d.String()
}

// WriteCSV writes RFC 4180; what does not stand is an empty cell.
func (v *View) WriteCSV(w io.Writer, harmless func(string) string) error {
	return csv.NewWriter(w).WriteAll(v.Cells(harmless))
}

// WriteText writes the table for a terminal: counts, then money where there is any,
// then what stands over each network.
func (v *View) WriteText(w io.Writer) error {
	cells := v.Cells(printable)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	several := len(v.Networks) > 1
	counts := func(name string) bool {
		return v.Causes != nil || !strings.HasPrefix(name, "revenue_") && name != "currency" && (name != "network_id" || several)
	}
	money := func(name string) bool {
		return strings.HasPrefix(name, "revenue_") || slices.Contains([]string{"currency", "day", "event", "campaign_id"}, name) || name == "network_id" && several
	}
	v.columns(t, cells, counts)
	if err := t.Flush(); err != nil {
		return err
	}
	if v.Causes == nil && v.anyMoney() {
		fmt.Fprintln(w)
		priced := cells[:1:1]
		for i := range v.Data {
			if v.Data[i].Revenue != nil || v.Data[i].Refused != "" {
				priced = append(priced, cells[i+1])
			}
		}
		v.columns(t, priced, money)
		if err := t.Flush(); err != nil {
			return err
		}
	}
	for _, n := range v.Networks {
		fmt.Fprintf(w, "\n%s: days reported %d, time zone %s, counts by %s, accuracy %s (%d of %d delivered), discrepancy %s, of what is sent %s\n",
			printable(n.NetworkID), n.Days, n.TimeZone, n.CountsBy, percent(n.Accuracy), n.Confirmed, n.Delivered, percent(n.Discrepancy), percent(n.Sent))
		for _, s := range n.Says {
			fmt.Fprintln(w, "  "+s)
		}
		if len(n.MissingDays) > 0 {
			fmt.Fprintln(w, "  not reported: "+strings.Join(n.MissingDays, " "))
		}
	}
	return nil
}

// columns writes those that are wanted and that say something in some line.
func (v *View) columns(w io.Writer, cells [][]string, want func(name string) bool) {
	for _, line := range cells {
		var shown []string
		for i, name := range cells[0] {
			says := false
			for _, other := range cells[1:] {
				says = says || other[i] != ""
			}
			if says && want(name) {
				shown = append(shown, line[i])
			}
		}
		fmt.Fprintln(w, strings.Join(shown, "\t"))
	}
}

func (v *View) anyMoney() bool {
	for i := range v.Data {
		if v.Data[i].Revenue != nil || v.Data[i].Refused != "" {
			return true
		}
	}
	return false
}

func percent(d *decimal.Decimal) string {
	if d == nil {
		return "-"
	}
	return d.Shift(2).String() + " %"
}

// printable keeps a stranger's text from steering the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if strconv.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}
