package apply

import (
	"errors"
	"fmt"
	"slices"

	"skand/schema"
)

// Findings that need to know the app; the others are package schema's.
const (
	CodeAppDiffers      schema.Code = "app_differs"      // the document names another app
	CodeCurrencyDiffers schema.Code = "currency_differs" // its amounts are in another currency than the app's
)

// Judge reads a text as publishing it for the app would. The document is nil if
// the text is none; it may be published if the report is OK. Where the text holds a
// layout and no fine row but "installed", the table that the layout writes is what
// is judged, and what the findings point into.
func (a *App) Judge(text []byte) (*schema.Document, schema.Report) {
	d, err := schema.Parse(text)
	if err != nil {
		return nil, unreadable(err)
	}
	var report schema.Report
	if full, err := tabled(d, nil); err == nil {
		d = full
		report = d.Validate()
	} else { // with what else is wrong beside the layout
		report = joined(d.Validate(), unreadable(err))
	}
	report.Errors = append(report.Errors, a.Misfits(d)...)
	report.OK = len(report.Errors) == 0
	return d, report
}

// Misfits are the findings on a document that is not of this app or not in its
// currency: sums in two currencies are none.
func (a *App) Misfits(d *schema.Document) []schema.Finding {
	var found []schema.Finding
	if d.AppID != 0 && d.AppID != a.AppID {
		found = append(found, schema.Finding{
			Code: CodeAppDiffers, Pointer: "/app_id",
			Message: fmt.Sprintf("the schema is of app %d, not %d; put the app's own number here", d.AppID, a.AppID),
		})
	}
	if want := a.Settings().Currency; d.Currency != "" && d.Currency != want {
		found = append(found, schema.Finding{
			Code: CodeCurrencyDiffers, Pointer: "/currency",
			Message: fmt.Sprintf("%s differs from the app's currency %s; give the amounts in %s", d.Currency, want, want),
		})
	}
	return found
}

// tabled fills the table of a document that holds only the layout to write it with.
// One with rows keeps them: they may have been edited by hand.
func tabled(d *schema.Document, err error) (*schema.Document, error) {
	if err != nil || len(d.Layout) == 0 {
		return d, err
	}
	for _, windows := range [][]schema.Window{d.Windows, d.ReengagementWindows} {
		for _, w := range windows {
			for _, row := range w.Fine {
				if row.Value != 0 || len(row.Events) > 0 { // value 0 is "installed" in every layout
					return d, nil
				}
			}
		}
	}
	return d.Expand()
}

// joined adds to a report the errors of another that it does not have yet.
func joined(r, more schema.Report) schema.Report {
	for _, f := range more.Errors {
		if !slices.Contains(r.Errors, f) {
			r.Errors = append(r.Errors, f)
		}
	}
	return r
}

func unreadable(err error) schema.Report {
	r := schema.Report{Warnings: []schema.Finding{}}
	var parse *schema.ParseError
	if errors.As(err, &parse) {
		r.Errors = parse.Findings
	} else {
		r.Errors = []schema.Finding{{Code: schema.CodeSyntax, Message: err.Error()}}
	}
	return r
}
