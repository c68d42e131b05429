package pages

import "time"

// Cohorts is what is published of one app, at one level, over a span of windows.
type Cohorts struct {
	Tabs      []Choice
	Combined  *Combined // of the tab of both sides
	Form      CohortForm
	Crumbs    []Choice
	Spans     []Choice
	Measures  []Choice
	Chart     *Chart
	ChartNote string
	Columns   []CohortColumn
	Rows      []CohortRow
	Total     *CohortRow
	Modelled  string // what is modelled: "yes", "not yet", "no signal"
	Notes     []string
	Exports   []Choice
	SQL       string
	Sealed    string // which releases it stands on
	Empty     *Empty
	More      int // rows beyond those shown
}

// CohortForm holds what the pickers show.
type CohortForm struct {
	App      int64
	From, To string // days, the last one included
	Dataset  string
	Datasets []Option
	Level    string
	Levels   []Option
	Hidden   []Hidden // the rest of the state, which a submitted form keeps
}

// Option is a choice of a picker.
type Option struct{ Value, Name string }

// Hidden is a field that nobody sees.
type Hidden struct{ Name, Value string }

// CohortColumn is a heading.
type CohortColumn struct {
	Key, Name, Note string
	Number          bool
	Means           string // modelled: its colour and sign
	Sort            string // link that sorts by it
	Dir             string // ascending, descending, or ""
}

// CohortRow is a line of the table.
type CohortRow struct {
	Name, Note string
	Link       string // to what it consists of; "" where that is all
	Cells      []CohortCell
}

// CohortCell is a figure, or why there is none.
type CohortCell struct {
	Kind     string // number, withheld, none, modelled, text
	Text     string
	Least    bool   // a lower bound
	Note     string // in words, shown as a title and read out
	Interval *Interval
	Bounds   string
	Value    string // the digits as published, for who copies the page
}

// Empty is why there is nothing to show, and what to do.
type Empty struct {
	Says, Do   string
	Link, Name string
}

// Combined is what both sides are together, period by period.
type Combined struct {
	Periods []CombinedPeriod
}

// CombinedPeriod is four weeks.
type CombinedPeriod struct {
	Span   string
	Bit    bool
	Source string // of the overlap, in words
	Rows   []CombinedRow
}

// CombinedRow is a network, a campaign, or the rest.
type CombinedRow struct {
	Name                               string
	SKAN, Deterministic, Overlap, Both CohortCell
	Begin                              time.Time
}
