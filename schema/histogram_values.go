package schema

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// FineBin is a fine bin of exactly these values, as the published column value_list
// writes them: "3-5,9", ascending. A list of several schema versions ("2:3-5;1:9")
// has no bin, for no one version reads it right. The row has no installs yet.
func FineBin(list string) (HistogramRow, error) {
	r := HistogramRow{Kind: KindFine}
	values, err := parseValues(list)
	if err != nil {
		return r, err
	}
	r.From, r.To = values[0], values[len(values)-1]
	if r.To-r.From+1 > len(values) {
		r.Values = values
	}
	return r, nil
}

// parseValues reads "3-5,9". It gives at least one value, and at most 64: whatever
// does not ascend ends it.
func parseValues(list string) ([]int, error) {
	if strings.ContainsAny(list, ":;") {
		return nil, errors.New("value_list: holds values of several schema versions; leave the row out, or give it the kind other_version without values")
	}
	var values []int
	for run := range strings.SplitSeq(list, ",") {
		first, last, ranged := strings.Cut(run, "-")
		if !ranged {
			last = first
		}
		from, err := binValue(KindFine, first)
		if err != nil {
			return nil, fmt.Errorf("value_list: %w", err)
		}
		to, err := binValue(KindFine, last)
		if err != nil {
			return nil, fmt.Errorf("value_list: %w", err)
		}
		if to < from || len(values) > 0 && from <= values[len(values)-1] {
			return nil, fmt.Errorf("value_list: %.30q does not ascend; write values as in 3-5,9", run)
		}
		for v := from; v <= to; v++ {
			values = append(values, v)
		}
	}
	return values, nil
}

// ValueList writes the values of a fine bin, as FineBin reads them.
func (r HistogramRow) ValueList() string {
	var b strings.Builder
	values := r.values()
	for i := 0; i < len(values); {
		j := i
		for j+1 < len(values) && values[j+1] == values[j]+1 {
			j++
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(values[i]))
		if j > i {
			b.WriteByte('-')
			b.WriteString(strconv.Itoa(values[j]))
		}
		i = j + 1
	}
	return b.String()
}

// values are those of a bin that was checked.
func (r HistogramRow) values() []int {
	if r.Values != nil {
		return r.Values
	}
	values := make([]int, 0, r.To-r.From+1)
	for v := r.From; v <= r.To; v++ {
		values = append(values, v)
	}
	return values
}

func (r HistogramRow) checkValues() error {
	if r.Values == nil {
		return nil
	}
	if r.Kind != KindFine || len(r.Values) == 0 || r.Values[0] != r.From || r.Values[len(r.Values)-1] != r.To {
		return fmt.Errorf("value_list: has %d values; list those of a fine bin from the first to the last", len(r.Values))
	}
	for i, v := range r.Values[1:] {
		if v <= r.Values[i] {
			return fmt.Errorf("value_list: has %d after %d; list values in ascending order, each once", v, r.Values[i])
		}
	}
	return nil
}
