package reconcile

import (
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// Defaults say what a file leaves out. What the file says itself must agree.
type Defaults struct {
	AppID     int64
	NetworkID string
	Day       string // "": a column has it
	TimeZone  string
	Currency  string
	Source    string
}

// ParseFile reads the CSV form: a line of headings, then one line for each day, event
// and campaign; commas, semicolons or tabs between; UTF-8, or UTF-16 with its mark.
// Columns have our names or those that vendors use (headings); others are named in a
// warning. It returns one upload for each day, in order, or a *Refused that names
// every bad line: nothing of a file with a bad line is used.
func ParseFile(raw []byte, d Defaults) ([]Upload, []string, error) {
	if len(raw) > MaxBytes {
		return nil, nil, &Refused{[]Problem{{Code: "too_many", Message: fmt.Sprintf("the file is larger than %d MiB; split it by day", MaxBytes>>20)}}}
	}
	text, err := decodeText(raw)
	if err != nil {
		return nil, nil, &Refused{[]Problem{{Code: "bad_value", Message: err.Error()}}}
	}
	f := &file{defaults: d, uploads: map[string]*Upload{}}
	if err := f.read(text); err != nil {
		return nil, nil, err
	}
	var out []Upload
	for _, day := range slices.Sorted(maps.Keys(f.uploads)) {
		u := f.uploads[day]
		if n := u.merge(); n > 0 {
			f.header.warnings = append(f.header.warnings, fmt.Sprintf("%s: %d lines were added to others of the same event and campaign", day, n))
		}
		out = append(out, *u)
	}
	return out, f.header.warnings, nil
}

// decodeText takes marks away and turns UTF-16, which some ad platforms export.
func decodeText(raw []byte) (string, error) {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(raw, []byte{0xff, 0xfe}):
		order = binary.LittleEndian
	case bytes.HasPrefix(raw, []byte{0xfe, 0xff}):
		order = binary.BigEndian
	}
	if order != nil {
		units := make([]uint16, 0, len(raw)/2)
		for b := raw[2:]; len(b) >= 2; b = b[2:] {
			units = append(units, order.Uint16(b))
		}
		return string(utf16.Decode(units)), nil
	}
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(raw) {
		return "", errors.New("the file is not UTF-8; save it as CSV UTF-8")
	}
	return string(raw), nil
}

// separator is the one that the line of headings has most of.
func separator(text string) rune {
	first, _, _ := strings.Cut(strings.TrimLeft(text, "\r\n"), "\n")
	best, most := ',', 0
	for _, r := range []rune{',', ';', '\t'} {
		if n := strings.Count(first, string(r)); n > most {
			best, most = r, n
		}
	}
	return best
}

type file struct {
	defaults Defaults
	header   *header
	uploads  map[string]*Upload
	problems []Problem
	lines    int
}

func (f *file) bad(line int, field, code, message string) {
	f.problems = append(f.problems, Problem{line, field, code, message})
}

func (f *file) read(text string) error {
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.FieldsPerRecord, r.ReuseRecord = separator(text), -1, true
	for {
		cells, err := r.Read()
		var broken *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return f.end()
		case errors.As(err, &broken):
			f.bad(broken.StartLine, "", "bad_value", "the quotes of this line are broken: "+broken.Err.Error())
			return f.end() // what follows can't be told apart from the text in quotes
		case err != nil:
			return err
		}
		line, _ := r.FieldPos(0)
		switch {
		case f.header == nil:
			var faults []Problem
			f.header, faults = readHeader(slices.Clone(cells), line)
			f.problems = append(f.problems, faults...)
			if len(faults) > 0 {
				return f.end() // without its columns no line can be judged
			}
		case strings.TrimSpace(strings.Join(cells, "")) == "":
		default:
			if f.lines++; f.lines > MaxRows {
				f.bad(line, "", "too_many", fmt.Sprintf("more than %d lines; split the file by day", MaxRows))
				return f.end()
			}
			f.line(line, cells)
		}
	}
}

func (f *file) end() error {
	if f.header == nil && len(f.problems) == 0 {
		f.bad(1, "", "missing", "the file is empty; its first line has to name the columns")
	}
	if len(f.problems) == 0 && f.lines == 0 && f.defaults.Day == "" {
		f.bad(0, "day", "missing", "the file has no lines; name the day for which the network counted nothing")
	}
	if len(f.problems) == 0 && f.defaults.Day != "" {
		f.upload(f.defaults.Day)
	}
	for _, day := range slices.Sorted(maps.Keys(f.uploads)) {
		f.problems = append(f.problems, f.uploads[day].checkHead()...)
	}
	return refused(slices.CompactFunc(f.problems, func(a, b Problem) bool { return a == b }))
}

func (f *file) upload(day string) *Upload {
	u := f.uploads[day]
	if u == nil {
		d := f.defaults
		u = &Upload{AppID: d.AppID, NetworkID: d.NetworkID, Day: day, TimeZone: d.TimeZone, Currency: d.Currency, Source: d.Source, Rows: []Row{}}
		f.uploads[day] = u
	}
	return u
}

func (f *file) line(line int, cells []string) {
	cell := func(column string) string {
		if i := f.header.column(column); i >= 0 && i < len(cells) {
			return strings.TrimSpace(cells[i])
		}
		return ""
	}
	if first := strings.ToLower(strings.TrimSpace(cells[0])); strings.HasPrefix(first, "total") || first == "grand total" {
		f.bad(line, f.header.names[0], "total_line", "a line of totals would count everything twice; take it out")
		return
	}
	if len(cells) > len(f.header.names) {
		f.bad(line, "", "bad_value", fmt.Sprintf("has %d cells, and there are %d columns; put texts with commas in quotes", len(cells), len(f.header.names)))
		return
	}
	day, ok := f.day(line, cell(columnDay))
	row := Row{Event: cell(columnEvent), CampaignID: cell(columnCampaign)}
	if f.header.event != "" {
		row.Event = f.header.event
	}
	f.problems = append(f.problems, row.check(line)...)
	var err error
	if text := cell(columnCount); text == "" {
		f.bad(line, columnCount, "missing", "say how many the network counted; 0 for none")
	} else if row.Count, err = readCount(text); err != nil {
		f.bad(line, columnCount, "bad_value", err.Error())
	}
	if text := cell(columnRevenue); text != "" {
		amount, err := readMoney(text)
		if err != nil {
			f.bad(line, columnRevenue, "bad_value", err.Error())
		} else {
			row.Revenue = &amount
		}
	}
	if !ok {
		return
	}
	u := f.upload(day)
	f.once(line, columnCurrency, &u.Currency, strings.ToUpper(cell(columnCurrency)), "a day has one currency")
	f.once(line, columnZone, &u.TimeZone, cell(columnZone), "a day has one time zone")
	u.Rows = append(u.Rows, row)
}

// once takes what has to be the same in all lines of a day.
func (f *file) once(line int, column string, is *string, cell, why string) {
	switch {
	case cell == "":
	case *is == "":
		*is = cell
	case *is != cell:
		f.bad(line, column, "bad_value", fmt.Sprintf("%s here, and %s before it: %s", clip(cell), *is, why))
	}
}

// days are the ways to write one that nobody can read as another.
var days = []string{time.DateOnly, "2006/01/02", "20060102", "2006-01-02 00:00:00", "2006-01-02 00:00", "2006-01-02T00:00:00Z", "2006-01-02T00:00:00", "Jan 2, 2006", "2 Jan 2006"}

func (f *file) day(line int, text string) (string, bool) {
	if text == "" {
		if f.defaults.Day == "" {
			f.bad(line, columnDay, "missing", "name the day, as in 2026-11-02, in the file or with the upload")
		}
		return f.defaults.Day, f.defaults.Day != ""
	}
	for _, layout := range days {
		d, err := time.Parse(layout, text)
		if err != nil || d.Year() < 2000 {
			continue
		}
		day := d.Format(time.DateOnly)
		if f.defaults.Day != "" && f.defaults.Day != day {
			f.bad(line, columnDay, "bad_value", fmt.Sprintf("is %s, and the upload is of %s; send the file without a day, or this day's lines alone", day, f.defaults.Day))
			return "", false
		}
		return day, true
	}
	f.bad(line, columnDay, "bad_value", fmt.Sprintf("%q is no day that can be read in one way only; write it as 2026-11-02", clip(text)))
	return "", false
}
