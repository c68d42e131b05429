// Command naive is the receiver that one writes in an afternoon: net/http,
// encoding/json, the signature check, and one INSERT into one table with a unique
// key before each answer. It is what internal/bench measures skand against, and it
// is given every advantage that costs no thought: a prepared statement, a pool, WAL
// on SQLite. It refuses to be more: no provenance, no conflicts, no limits.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/lib/pq"

	_ "skand/internal/bench/probe" // the slow disk; brings SQLite's driver, too
	"skand/internal/clock"
	"skand/skan"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	err := realMain(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "naive:", err)
		os.Exit(1)
	}
}

func realMain(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("naive", flag.ContinueOnError)
	location := flags.String("db", "", "sqlite:DIR, postgres://…, or nothing: check and answer, store nowhere")
	conns := flags.Int("conns", 32, "connections to PostgreSQL")
	create := flags.String("create", "", "make databases of these names on PostgreSQL, then end")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *create != "" {
		return createDatabases(ctx, *location, strings.Split(*create, ","))
	}
	s := &server{verifier: skan.NewVerifier(skan.AppleKeys())}
	if *location != "" {
		db, insert, err := open(ctx, *location, *conns)
		if err != nil {
			return err
		}
		defer func() { _ = db.Close() }() // what was answered is committed already
		s.insert = insert
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "{\"ready\":true,\"public\":\"http://%s\"}\n", l.Addr())
	srv := &http.Server{Handler: s}
	context.AfterFunc(ctx, func() { _ = srv.Close() }) // the measurement is over
	err = srv.Serve(l)
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func createDatabases(ctx context.Context, location string, names []string) error {
	db, err := sql.Open("postgres", location)
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, e := db.ExecContext(ctx, "CREATE DATABASE "+pq.QuoteIdentifier(name)); e != nil {
			err = errors.Join(err, fmt.Errorf("create database %s: %w", name, e))
		}
	}
	return errors.Join(err, db.Close())
}

const table = `CREATE TABLE IF NOT EXISTS postback (
	app_id BIGINT NOT NULL, network TEXT NOT NULL, transaction_id TEXT NOT NULL, sequence_index INTEGER NOT NULL,
	source TEXT NOT NULL, conversion_value INTEGER, coarse TEXT, country TEXT, received_at BIGINT NOT NULL, body TEXT NOT NULL,
	UNIQUE (network, transaction_id, sequence_index))`

const insert = `INSERT INTO postback VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING`

func open(ctx context.Context, location string, conns int) (*sql.DB, *sql.Stmt, error) {
	driver, source := "postgres", location
	if dir, ok := strings.CutPrefix(location, "sqlite:"); ok {
		driver, conns = "sqlite", 1 // SQLite has one writer; more only wait for each other
		source = "file:" + filepath.Join(dir, "naive.db") +
			"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		return nil, nil, err
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	if _, err := db.ExecContext(ctx, table); err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	stmt, err := db.PrepareContext(ctx, insert)
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return db, stmt, nil
}

type server struct {
	verifier *skan.Verifier
	insert   *sql.Stmt // nil: stores nowhere
}

// body is what people read out of a postback with encoding/json.
type body struct {
	AppID         int64  `json:"app-id"`
	Network       string `json:"ad-network-id"`
	TransactionID string `json:"transaction-id"`
	Index         int    `json:"postback-sequence-index"`
	Source        string `json:"source-identifier"`
	Value         *int   `json:"conversion-value"`
	Coarse        string `json:"coarse-conversion-value"`
	Country       string `json:"country-code"`
}

// ServeHTTP implements http.Handler.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
	if err != nil {
		http.Error(w, "not read", http.StatusBadRequest)
		return
	}
	var b body
	if err := json.Unmarshal(raw, &b); err != nil {
		http.Error(w, "not JSON", http.StatusBadRequest)
		return
	}
	if s.verifier.Verify(raw).Verdict != skan.Valid {
		http.Error(w, "not signed", http.StatusForbidden)
		return
	}
	status := "accepted"
	if s.insert != nil {
		res, err := s.insert.ExecContext(r.Context(), b.AppID, strings.ToLower(b.Network), strings.ToLower(b.TransactionID),
			b.Index, b.Source, b.Value, b.Coarse, b.Country, clock.Real{}.Now().UnixMilli(), string(raw))
		if err != nil {
			http.Error(w, "not stored", http.StatusInternalServerError)
			return
		}
		if n, err := res.RowsAffected(); err == nil && n == 0 {
			status = "duplicate"
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{"status": status}) // a sender that went away asks again
}
