package main

import "strings"

// Bar is what a ratio has to reach.
type Bar struct {
	Least float64 `json:"least,omitempty"`
	Most  float64 `json:"most,omitempty"`
}

// Met says whether ratio reaches the bar.
func (b Bar) Met(ratio float64) bool {
	if b.Most > 0 {
		return ratio <= b.Most
	}
	return ratio >= b.Least
}

// The rows, in the order of the report. A name ending in a dot stands for all that
// begin with it and have no line of their own. A row with no bar is told, not judged.
var rows = []struct {
	name string
	what string // left over right
	bar  *Bar
}{
	{"verify.aak", "AdAttributionKit verdict / bare ECDSA check", least(0.80)},
	{"verify.", "SKAdNetwork verdict / bare ECDSA check", least(0.85)},

	{"ingest.postgres.64.rate", "rate, skand / naive", least(1.4)},
	{"ingest.postgres.64.p99", "p99, skand / naive", most(0.5)},
	{"ingest.postgres.64.floor", "rate, skand / check and HTTP alone", least(0.65)},
	{"ingest.postgres.slow.64.rate", "rate, skand / naive, flushes 1 ms slower", least(1.6)},
	{"ingest.postgres.slow.256.rate", "rate, skand / naive, flushes 1 ms slower", least(2.2)},
	{"ingest.sqlite.64.rate", "rate, skand / naive", least(1.15)},
	{"ingest.sqlite.64.p99", "p99, skand / naive", most(0.6)},
	{"ingest.sqlite.64.floor", "rate, skand / check and HTTP alone", least(0.65)},
	{"ingest.sqlite.slow.64.rate", "rate, skand / naive, commits 1 ms slower", least(1.15)},
	{"ingest.sqlite.slow.64.p99", "p99, skand / naive, commits 1 ms slower", most(0.6)},
	{"ingest.", "skand / the other; cpu is that of a postback, database included", nil},

	{"flood.postgres", "rate of genuine 4.0, beside forged 1.0 / alone", least(0.7)},
	{"flood.sqlite", "rate of genuine 4.0, beside forged 1.0 / alone", least(0.7)},
	{"flood.", "rate of genuine 4.0, beside all the forged 1.0 there can be / alone", nil},

	{"batch.", "items per second over one connection, in arrays of 1,000 / one by one", nil},

	{"memory.postgres.resident", "resident memory / 150 MiB", most(1)},
	{"memory.sqlite.resident", "resident memory / 150 MiB", most(1)},
	{"memory.", "resident memory, at the end / at half", most(1.1)},

	{"seal.", "sealing a day after so many / after one", most(1.3)},
	{"seal.cpu.", "CPU time of sealing a day after so many, database included / after one", nil},
	{"seal.written.", "bytes written by sealing a day after so many / after one", nil},

	{"cohorts.postgres", "p99 of one app's 90 days in any grouping / 50 ms", most(1)},
	{"cohorts.sqlite", "p99 of one app's 90 days in any grouping / 50 ms", most(1)},
	{"cohorts.postgres.rows", "p99 of a page of 1,000 rows / 50 ms", nil},
	{"cohorts.sqlite.rows", "p99 of a page of 1,000 rows / 50 ms", nil},
	{"cohorts.postgres.cpu", "CPU time of a question, database included / what two cores have for 8 readers in 50 ms", nil},
	{"cohorts.sqlite.cpu", "CPU time of a question, database included / what two cores have for 8 readers in 50 ms", nil},
	{"cohorts.", "p99, all readers at once / one alone", nil},

	{"pages.overview.bytes", "bytes of the page, packed / 100 KiB", most(1)},
	{"pages.cohorts.bytes", "bytes of the page, packed / 100 KiB", most(1)},
	{"pages.campaigns.bytes", "bytes of the page, packed / 100 KiB", most(1)},
	{"pages.", "time of the server for a page, two years of one app / 150 ms", most(1)},

	{"forward.postgres", "deliveries per second, each logged / requests of a bare HTTP loop", least(0.6)},
	{"forward.sqlite", "deliveries per second, each logged / requests of a bare HTTP loop", least(0.6)},
	{"forward.postgres.paced", "the same, endpoints that take 2 ms", nil},
	{"forward.sqlite.paced", "the same, endpoints that take 2 ms", nil},
	{"forward.postgres.slow", "rate of five, beside one 25 times slower / beside one like them", least(0.9)},
	{"forward.sqlite.slow", "rate of five, beside one 25 times slower / beside one like them", least(0.9)},
	{"forward.", "CPU time of a delivery, database and endpoint included / of a request of the loop", nil},

	{"model.published", "CPU time of modelling an app's published rows, 200 draws each / 3 s", most(1)},
	{"model.draws", "the same / a bare loop of one gamma draw a row and draw", nil},

	{"start", "start of serve to ready / 300 ms", most(1)},
	{"demo", "demo to its first cohort / 30 s", most(1)},
}

func least(r float64) *Bar { return &Bar{Least: r} }
func most(r float64) *Bar  { return &Bar{Most: r} }

// rule finds the line of a row: its own, or that of the longest beginning.
func rule(name string) (what string, bar *Bar) {
	best := -1
	for _, r := range rows {
		fits := r.name == name || strings.HasSuffix(r.name, ".") && strings.HasPrefix(name, r.name)
		if fits && len(r.name) > best {
			best, what, bar = len(r.name), r.what, r.bar
		}
	}
	return what, bar
}
