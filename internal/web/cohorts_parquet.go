package web

import (
	"errors"
	"fmt"
	"io"
	"math/big"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/shopspring/decimal"

	"skand/internal/store"
)

// Money in Parquet is DECIMAL(38, 9): amounts have nine decimals at most and are
// below 10^12 (schema.ParseMoney), so that 10^17 of them fit.
const (
	moneyPrecision = 38
	moneyScale     = 9
	moneyBytes     = 16
)

// A row group is held in memory until it is full.
const rowGroup = 20_000

// errNotExact is returned for an amount that this format would have to round.
var errNotExact = errors.New("this format can't hold an amount exactly; take csv, json or ndjson")

var moneyLimit = new(big.Int).Exp(big.NewInt(10), big.NewInt(moneyPrecision), nil)

// parquetRows writes Apache Parquet: times are TIMESTAMP (milliseconds, UTC), NULL
// is NULL.
type parquetRows struct {
	w     io.Writer
	about map[string]string
	table []store.Column
	file  *parquet.GenericWriter[any]
	one   [1]parquet.Row
}

func (p *parquetRows) begin(table []store.Column) error {
	p.table = table
	options := []parquet.WriterOption{
		parquet.NewSchema("cohorts", parquetRoot(table)), parquet.Compression(&parquet.Snappy),
		parquet.MaxRowsPerRowGroup(rowGroup), parquet.CreatedBy("skand", "", ""),
	}
	for name, value := range p.about {
		options = append(options, parquet.KeyValueMetadata(name, value))
	}
	p.file = parquet.NewGenericWriter[any](p.w, options...)
	p.one[0] = make(parquet.Row, len(table))
	return nil
}

func (p *parquetRows) row(values []any) error {
	for i, v := range values {
		value, err := parquetValue(v)
		if err != nil {
			return fmt.Errorf("write %s as parquet: %w", p.table[i].Name, err)
		}
		level := 1
		if v == nil {
			level = 0
		}
		p.one[0][i] = value.Level(0, level, i)
	}
	_, err := p.file.WriteRows(p.one[:])
	return err
}

func (p *parquetRows) end(string, func(func(*store.Release) error) error) error {
	return p.file.Close()
}

func parquetValue(v any) (parquet.Value, error) {
	switch v := v.(type) {
	case nil:
		return parquet.NullValue(), nil
	case int64:
		return parquet.Int64Value(v), nil
	case string:
		return parquet.ByteArrayValue([]byte(v)), nil
	case store.Stamp:
		return parquet.Int64Value(time.Time(v).UnixMilli()), nil
	case decimal.Decimal:
		b, err := moneyCell(v)
		return parquet.FixedLenByteArrayValue(b), err
	default:
		return parquet.Value{}, fmt.Errorf("unexpected type %T", v)
	}
}

// moneyCell is an amount in units of 10^-9, as big endian two's complement. It
// refuses what would lose a digit.
func moneyCell(d decimal.Decimal) ([]byte, error) {
	units := d.Shift(moneyScale)
	if !units.IsInteger() {
		return nil, fmt.Errorf("%w: %s has more than %d decimals", errNotExact, d, moneyScale)
	}
	n := units.BigInt()
	if n.CmpAbs(moneyLimit) >= 0 {
		return nil, fmt.Errorf("%w: %s has more than %d digits", errNotExact, d, moneyPrecision)
	}
	if n.Sign() < 0 {
		n.Add(n, new(big.Int).Lsh(big.NewInt(1), 8*moneyBytes))
	}
	return n.FillBytes(make([]byte, moneyBytes)), nil
}

// parquetTable is a parquet.Group whose columns keep their order.
type parquetTable struct {
	parquet.Group
	fields []parquet.Field
}

// Fields implements parquet.Node.
func (t *parquetTable) Fields() []parquet.Field { return t.fields }

// parquetRoot makes every column optional, as NULL is for a reader to expect.
func parquetRoot(table []store.Column) parquet.Node {
	root := &parquetTable{Group: parquet.Group{}}
	for _, c := range table {
		var leaf parquet.Node
		switch c.Type {
		case store.Number:
			leaf = parquet.Int(64)
		case store.Money:
			leaf = parquet.Decimal(moneyScale, moneyPrecision, parquet.FixedLenByteArrayType(moneyBytes))
		case store.Time:
			leaf = parquet.Timestamp(parquet.Millisecond)
		default:
			leaf = parquet.String()
		}
		root.Group[c.Name] = parquet.Optional(leaf)
	}
	byName := map[string]parquet.Field{}
	for _, f := range root.Group.Fields() {
		byName[f.Name()] = f
	}
	for _, c := range table {
		root.fields = append(root.fields, byName[c.Name])
	}
	return root
}
