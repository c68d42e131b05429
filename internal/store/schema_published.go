package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jmoiron/sqlx"

	"skand/aggregate"
	"skand/schema"
)

// PublishedHistograms sums what is published of an app's installs, in windows that
// begin from (included) to (excluded): fine bins of cohort_value, every other kind
// of the rows. A window that was decoded again counts once. The answer is one
// histogram of one schema version; installs with a value that it can't give are
// rows of schema.KindOtherVersion and schema.KindUnpublished, and what a row of
// cohort withholds is told as withheld, never as 0. It touches the published store
// and nothing else, so whoever may see cohorts may see it.
func (s *Store) PublishedHistograms(ctx context.Context, appID int64, version int, from, to time.Time) (_ []schema.Histogram, err error) {
	l, err := s.LookAtCohorts(ctx, CohortFilter{
		AppID: appID, From: from, To: to, Kind: aggregate.KindInstall, Environment: aggregate.EnvProduction,
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	p := publishedHistogram{version: version, counts: map[publishedBin]int64{}, withheld: map[publishedBin]int{}}
	for _, read := range []func(context.Context, *publishedHistogram) error{l.histogramKinds, l.histogramBins} {
		if err := read(ctx, &p); err != nil {
			return nil, fmt.Errorf("published histogram of app %d: %w", appID, err)
		}
	}
	h, err := p.histogram(appID)
	if err != nil {
		return nil, fmt.Errorf("published histogram of app %d: %w", appID, err)
	}
	return []schema.Histogram{h}, nil
}

// publishedBin is what installs are summed by; of fine bins also the exact values.
type publishedBin struct {
	index    int
	kind     string
	from, to int
	values   string
}

type publishedHistogram struct {
	version  int
	again    map[string]bool // releases that were decoded again
	counts   map[publishedBin]int64
	withheld map[publishedBin]int // rows
	fine     int64                // installs with a fine value, of which bins are made
}

func (l *CohortLook) histogramKinds(ctx context.Context, p *publishedHistogram) error {
	p.again = map[string]bool{}
	err := l.Releases(ctx, nil, nil, func(r *Release) error {
		p.again[r.ID] = r.Kind == aggregate.ReleaseRedecode
		return nil
	})
	if err != nil {
		return err
	}
	text, args := l.rowsQuery(nil, 0)
	return l.query(ctx, text, args, func(rows *sqlx.Rows) error {
		var c Cohort
		if err := rows.StructScan(&c); err != nil {
			return fmt.Errorf("read cohort: %w", err)
		}
		return p.row(&c)
	})
}

// row adds a row's kinds. Nulls and unset values are the same under every schema; the
// others are this version's only where no other version decoded the release. A
// redecode has its version in its bins only: its kinds are those of the base.
func (p *publishedHistogram) row(c *Cohort) error {
	ours := c.SchemaVersions == strconv.Itoa(p.version) && !p.again[c.ReleaseID]
	add := func(b publishedBin, n *int64) {
		b.index = c.SequenceIndex
		switch {
		case n == nil:
			p.withheld[b]++
		case b.kind != schema.KindNull && b.kind != schema.KindUnset && !ours:
			p.counts[publishedBin{index: b.index, kind: schema.KindOtherVersion}] += *n
		default:
			p.counts[b] += *n
		}
	}
	rest := c.Installs // of the kind coarse, where its levels don't all stand
	for _, k := range []struct {
		kind string
		n    *int64
	}{{schema.KindNull, c.Null}, {schema.KindUnset, c.Unset}, {schema.KindUnmapped, c.Unmapped}} {
		add(publishedBin{kind: k.kind}, k.n)
		rest -= valueOr0(k.n)
	}
	if c.Fine == nil {
		add(publishedBin{kind: schema.KindFine, to: 63}, nil)
	} else {
		p.fine += *c.Fine
		rest -= *c.Fine
	}
	least := 0
	for level, n := range []*int64{c.CoarseLow, c.CoarseMedium, c.CoarseHigh} {
		if n == nil {
			break
		}
		add(publishedBin{kind: schema.KindCoarse, from: level, to: level}, n)
		rest -= *n
		least = level + 1
	}
	switch merged := (publishedBin{kind: schema.KindCoarse, from: least, to: 2}); {
	case rest < 0 || least == 3 && rest > 0:
		return fmt.Errorf("row %s: its kinds do not add up to its %d installs", c.RowID, c.Installs)
	case least == 3:
	case rest == 0 && least == 0:
		add(merged, nil) // the kind coarse is counted as null
	default:
		add(merged, &rest) // the levels that are not told are one bin
	}
	return nil
}
