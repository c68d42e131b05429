package store

import (
	"fmt"
	"strconv"

	"github.com/shopspring/decimal"
)

// Cohort is one published row as readers see it. Withheld is nil, never 0.
type Cohort struct {
	ReleaseID      string           `db:"release_id" json:"release_id"`
	RowID          string           `db:"row_id" json:"row_id"`
	AppID          int64            `db:"app_id" json:"app_id"`
	SequenceIndex  int              `db:"sequence_index" json:"sequence_index"`
	ConversionKind string           `db:"conversion_kind" json:"conversion_kind"`
	Environment    string           `db:"environment" json:"environment"`
	WindowStart    Stamp            `db:"window_start" json:"window_start"`
	WindowEnd      Stamp            `db:"window_end" json:"window_end"`
	InstallFrom    Stamp            `db:"install_from" json:"install_from"`
	InstallTo      Stamp            `db:"install_to" json:"install_to"`
	NetworkID      *string          `db:"network_id" json:"network_id"`
	IDKind         *string          `db:"id_kind" json:"id_kind"`
	Source2        *string          `db:"source_2" json:"source_2"`
	Source3        *string          `db:"source_3" json:"source_3"`
	Source4        *string          `db:"source_4" json:"source_4"`
	Level          string           `db:"level" json:"level"`
	Installs       int64            `db:"installs" json:"installs"`
	Null           *int64           `db:"null_installs" json:"null_installs"`
	Unset          *int64           `db:"unset_installs" json:"unset_installs"`
	Unmapped       *int64           `db:"unmapped_installs" json:"unmapped_installs"`
	CoarseLow      *int64           `db:"coarse_low" json:"coarse_low"`
	CoarseMedium   *int64           `db:"coarse_medium" json:"coarse_medium"`
	CoarseHigh     *int64           `db:"coarse_high" json:"coarse_high"`
	Fine           *int64           `db:"fine_installs" json:"fine_installs"`
	Payers         *int64           `db:"payers" json:"payers"`
	RevenueMin     *decimal.Decimal `db:"revenue_min" json:"revenue_min"`
	RevenueEst     *decimal.Decimal `db:"revenue_est" json:"revenue_est"`
	RevenueMax     *decimal.Decimal `db:"revenue_max" json:"revenue_max"`
	Currency       string           `db:"currency" json:"currency"`
	Redownloads    *int64           `db:"redownloads" json:"redownloads"`
	SchemaVersions string           `db:"schema_versions" json:"schema_versions"`
}

// cohortTable are the columns of a published row, in the order of Cells.
var cohortTable = []Column{
	{"release_id", Text}, {"row_id", Text}, {"app_id", Number}, {"sequence_index", Number}, {"conversion_kind", Text},
	{"environment", Text}, {"window_start", Time}, {"window_end", Time}, {"install_from", Time}, {"install_to", Time},
	{"network_id", Text}, {"id_kind", Text}, {"source_2", Text}, {"source_3", Text}, {"source_4", Text}, {"level", Text},
	{"installs", Number}, {"null_installs", Number}, {"unset_installs", Number}, {"unmapped_installs", Number},
	{"coarse_low", Number}, {"coarse_medium", Number}, {"coarse_high", Number}, {"fine_installs", Number},
	{"payers", Number}, {"revenue_min", Money}, {"revenue_est", Money}, {"revenue_max", Money}, {"currency", Text},
	{"redownloads", Number}, {"schema_versions", Text},
}

// CohortColumns are the names of the columns of a published row, in the order of Cells.
func CohortColumns() []string { return columnNames(cohortTable) }

// Cells is the row for a CSV file; what is withheld is an empty cell.
func (c *Cohort) Cells() []string {
	return []string{
		c.ReleaseID, c.RowID, cell(&c.AppID), strconv.Itoa(c.SequenceIndex), c.ConversionKind, c.Environment,
		c.WindowStart.String(), c.WindowEnd.String(), c.InstallFrom.String(), c.InstallTo.String(),
		cell(c.NetworkID), cell(c.IDKind), cell(c.Source2), cell(c.Source3), cell(c.Source4), c.Level, cell(&c.Installs),
		cell(c.Null), cell(c.Unset), cell(c.Unmapped), cell(c.CoarseLow), cell(c.CoarseMedium), cell(c.CoarseHigh), cell(c.Fine),
		cell(c.Payers), cell(c.RevenueMin), cell(c.RevenueEst), cell(c.RevenueMax), c.Currency, cell(c.Redownloads), c.SchemaVersions,
	}
}

func cell[T any](v *T) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(*v)
}
