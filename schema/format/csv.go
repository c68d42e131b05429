package format

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"skand/schema"
)

// csv: one line for each event of a row, for spreadsheets; a row without events is
// one line without an event. Spreadsheets run cells that begin with = + - @ as
// formulas, so a name that begins so is written behind an apostrophe, which reading
// takes off again. Pointers are /LINE/COLUMN.

var csvHeader = []string{"window", "kind", "value", "event", "count_min", "count_max", "revenue_min", "revenue_max", "currency"}

const csvFormula = "=+-@\t\r'"

func readCSV(b *builder, body []byte) {
	b.ownMoney = true
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))))
	header, err := r.Read()
	if err != nil {
		b.fail(schema.CodeSyntax, "/1", "has no header; the first line is "+strings.Join(csvHeader, ","))
		return
	}
	c := &csvReader{builder: b, columns: map[string]int{}, rows: map[cell]int{}}
	for i, name := range header {
		_, twice := c.columns[name]
		switch {
		case twice:
			b.fail(schema.CodeDuplicateMember, under("/1", name), "the column stands here twice; keep one")
		case !slices.Contains(csvHeader, name):
			b.lose(under("/1", name), "is not a column that is known here; it was not read")
		}
		c.columns[name] = i
	}
	for _, name := range csvHeader[:4] {
		if _, ok := c.columns[name]; !ok {
			b.fail(schema.CodeMemberMissing, "/1", fmt.Sprintf("has no column %q; the header is %s", name, strings.Join(csvHeader, ",")))
		}
	}
	if len(b.findings) > 0 {
		return
	}
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			b.fail(schema.CodeSyntax, "", err.Error()) // names line and column
			return
		}
		line, _ := r.FieldPos(0)
		if len(c.list) > maxLines {
			b.fail(schema.CodeTooLarge, under("", line), fmt.Sprintf("the file has more than %d rows", maxLines))
			return
		}
		c.line(under("", line), record)
	}
	for _, r := range c.list {
		b.add(r)
	}
}

const maxLines = 512

type csvReader struct {
	*builder
	columns map[string]int
	rows    map[cell]int // places in list
	list    []row
}

func (c *csvReader) line(at string, record []string) {
	get := func(name string) (value, bool) {
		i, ok := c.columns[name]
		if !ok || record[i] == "" {
			return value{&node{kind: text}, under(at, name)}, false
		}
		return value{&node{kind: text, text: record[i]}, under(at, name)}, true
	}
	r := row{at: at, value: -1}
	window, _ := get("window")
	n, ok := c.whole(window, 0, maxWindow)
	kind, _ := get("kind")
	what, _ := get("value")
	switch kind.text {
	case "fine":
		r.value, _ = c.fineValue(what)
	case "coarse":
		r.level, _ = c.level(what)
	default:
		c.fail(schema.CodeWrongType, kind.at, fmt.Sprintf("is %.30q; write fine or coarse", kind.text))
		return
	}
	if !ok {
		return
	}
	r.window = int(n)
	id := cell{r.window, strings.ToLower(what.text)}
	if r.level == "" {
		id.value = strconv.Itoa(r.value)
	}
	e, some := c.event(at, get)
	i, known := c.rows[id]
	switch {
	case !known:
		if some {
			r.events = []event{e}
		}
		c.rows[id] = len(c.list)
		c.list = append(c.list, r)
	case !some || len(c.list[i].events) == 0:
		c.fail(schema.CodeDuplicateValue, at, fmt.Sprintf("%s %s stands here already without an event, or now without one; keep one line", kind.text, what.text))
	default:
		c.list[i].events = append(c.list[i].events, e)
	}
}

func (c *csvReader) event(at string, get func(string) (value, bool)) (event, bool) {
	e := event{at: at}
	name, some := get("event")
	if some {
		if len(name.text) > 1 && name.text[0] == '\'' && strings.IndexByte(csvFormula, name.text[1]) >= 0 {
			name.text = name.text[1:]
		}
		e.Name = c.text(name)
	}
	into := map[string]func(value){
		"count_min":   func(v value) { e.CountMin = c.count(v) },
		"count_max":   func(v value) { e.CountMax = c.count(v) },
		"revenue_min": func(v value) { e.RevenueMin = c.money(v) },
		"revenue_max": func(v value) { e.RevenueMax = c.money(v) },
		"currency":    func(v value) { e.currency = c.currency(v) },
	}
	for _, column := range csvHeader[4:] {
		v, ok := get(column)
		switch {
		case !ok:
		case !some:
			c.fail(schema.CodeMemberMissing, name.at, fmt.Sprintf("is empty beside %s; name the event", column))
			return e, false
		default:
			into[column](v)
		}
	}
	return e, some
}

func writeCSV(x *export) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	lines := [][]string{csvHeader}
	for _, win := range x.doc.Windows {
		for _, r := range win.Fine {
			lines = append(lines, csvLines(x, win.Index, "fine", strconv.Itoa(r.Value), r.Events)...)
		}
		for _, name := range levels {
			if l, ok := win.Coarse[name]; ok {
				lines = append(lines, csvLines(x, win.Index, "coarse", name, l.Events)...)
			}
		}
	}
	err := w.WriteAll(lines)
	return b.Bytes(), err
}

func csvLines(x *export, window int, kind, val string, events []schema.MappedEvent) [][]string {
	head := []string{strconv.Itoa(window), kind, val}
	if len(events) == 0 {
		return [][]string{append(head, make([]string, len(csvHeader)-len(head))...)}
	}
	var out [][]string
	for _, e := range events {
		name := e.Name
		if strings.IndexByte(csvFormula, name[0]) >= 0 {
			name = "'" + name
		}
		least, low, currency := "", "", ""
		if n := leastCount(e); n != 1 || e.CountMax != nil {
			least = strconv.Itoa(n)
		}
		if priced(e) {
			low, currency = leastRevenue(e).String(), x.doc.Currency
		}
		out = append(out, append(slices.Clone(head), name, least, integer(e.CountMax), low, amount(e.RevenueMax), currency))
	}
	return out
}
