package pgtest

import (
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/lib/pq"
)

// Server is a PostgreSQL of one test's own, which the test may stop and start.
type Server struct {
	t   testing.TB
	own *cluster
}

// NewServer starts a server that ends with the test. Where PostgreSQL's programs
// are missing because tests run against a server elsewhere, the test is skipped.
func NewServer(t testing.TB) *Server {
	t.Helper()
	if os.Getenv(envNone) == "1" {
		t.Skipf("%s=1: tests on PostgreSQL are left out", envNone)
	}
	own, err := startCluster()
	if err != nil {
		if os.Getenv(envServer) != "" {
			t.Skipf("a server that is stopped and started again needs PostgreSQL's programs here: %v", err)
		}
		t.Fatalf("tests need PostgreSQL's server programs: %v", err)
	}
	t.Cleanup(func() {
		if err := own.stop(); err != nil {
			t.Errorf("stop the test's PostgreSQL: %v", err)
		}
	})
	return &Server{t: t, own: own}
}

// URL returns the postgres:// URL of a new, empty database on this server.
func (s *Server) URL() string {
	s.t.Helper()
	u, err := url.Parse(s.own.url)
	if err != nil {
		s.t.Fatalf("URL of the test's PostgreSQL is not readable")
	}
	name := databaseName()
	if err := execute(u, "CREATE DATABASE "+pq.QuoteIdentifier(name)); err != nil {
		s.t.Fatalf("create test database: %v", err)
	}
	u.Path = "/" + name
	return u.String()
}

// Stop stops the server: "fast" as an administrator does, "immediate" without a
// checkpoint, as a crash does. Connections break.
func (s *Server) Stop(mode string) {
	s.t.Helper()
	s.order("stop " + mode)
}

// Start starts it again on the same port, with what was committed.
func (s *Server) Start() {
	s.t.Helper()
	s.order("restart")
}

func (s *Server) order(line string) {
	s.t.Helper()
	if _, err := fmt.Fprintln(s.own.alive, line); err != nil {
		s.t.Fatalf("%s: %v", line, err)
	}
	answer, err := s.own.said.ReadString('\n')
	if err != nil || strings.TrimSpace(answer) != "done" {
		s.t.Fatalf("%s of the test's PostgreSQL: %q, %v", line, answer, err)
	}
}
