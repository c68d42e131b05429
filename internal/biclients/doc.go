// Package biclients owns the proof that people can live on the published store with
// the tools they have: psql, an ODBC driver, the connector of a BI tool and the sqlite3
// shell each ask a question of docs/bi.md as it stands there, connected as it stands
// there and with the rights of the BI role, and answer what /v1/cohorts answers.
//
// It refuses to be part of the program: it is tests alone. It refuses stand-ins as
// well: a client that is not installed is left out with the reason, and on CI, which
// installs all of them (SKAND_TEST_BICLIENTS=all), that is a failure.
package biclients
