package pages

import "time"

// Overview is the first page: is data arriving, what was sealed, does it go out.
type Overview struct {
	Now      time.Time
	Exact    bool // the reader may see exact figures of what is not sealed
	Summary  Summary
	Figures  []Figure
	Alerts   []Alert
	Endpoint Endpoint
	Arrivals Arrivals
	Apps     []AppLine
	More     int // apps beyond those listed
	Jobs     []JobLine
	Out      Deliveries
	Broken   []string // parts that could not be read
}

// Summary is the page in a sentence.
type Summary struct {
	Tone string // good, watch, alert, new
	Says string
}

// Figure is one of the headline figures.
type Figure struct {
	Name, Value, Note string
	Tone              string // observed, withheld, alert
	Spark             *Spark
	Link              string
}

// Alert is something that a person should look at: all that is wrong with one place.
type Alert struct {
	Where string
	Since *time.Time // of the first
	Lines []AlertLine
}

// AlertLine is one thing that is wrong, and what to do.
type AlertLine struct{ Says, Do string }

// Endpoint is the next step of a newcomer, and a check for everybody later.
type Endpoint struct {
	New      bool   // nothing has arrived yet
	URL      string // public base URL; "" where nobody has told it
	Local    bool   // URL is that of this machine: Apple does not reach it
	CanCheck bool
	Asked    string
	Found    []Finding
}

// Finding is a line of the reachability check.
type Finding struct{ Level, Where, Found, Todo string }

// Arrivals is what came over time.
type Arrivals struct {
	Days    []time.Time
	Choices []Choice
	Spans   []Choice
	By      string // what it is told apart by, as the heading of the table
	Rows    []ArrivalRow
	Chart   *Chart // exact readers only
	K       int64
	AsOf    string
}

// Choice is a link that changes one thing of the page.
type Choice struct {
	Name, Link string
	On         bool
}

// ArrivalRow is one framework, version, network, verdict or path.
type ArrivalRow struct {
	Name, Note   string
	Tone         string // alert: worth a look
	Cells        []Quantity
	Total, Today Quantity
	Share        string // of all; "" where the figures are not exact
}

// AppLine is an app with how it stands.
type AppLine struct {
	App        App
	Copies     string // "3 hours ago", "today"
	CopiesTone string // good, watch, alert
	CopiesNote string
	Window     string // of the newest sealed one
	SealedAt   *time.Time
	Installs   string
	Spark      *Spark
	Nulls      string // share
	NullsLeast bool
	NextSeal   *time.Time
	NextWindow string
	Link       string
}

// JobLine is a job.
type JobLine struct {
	Name, What, Schedule string
	Last, Next           *time.Time
	Late                 bool
}

// Deliveries is how what goes out fares: exactly for operators, as published for others.
type Deliveries struct {
	Exact   bool
	Lines   []DeliveryLine
	Stopped int // destinations that nothing is sent to
	Week    string
}

// DeliveryLine is a destination, or for who may not see it a network.
type DeliveryLine struct {
	Name, Note       string
	State, StateTone string
	Rate             string
	RateTone         string
	Response         string
	Waiting          string
	Eligible         string
	Spark            *Spark
}
