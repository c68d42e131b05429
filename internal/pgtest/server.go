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

// NewServer starts a server that ends with the test, with every setting of durability
// as shipped. Where PostgreSQL's programs
// are missing because tests run against a server elsewhere, the test is skipped.
func NewServer(t testing.TB) *Server {
	t.Helper()
	return NewServerIn(t, Folders{})
}

// NewServerIn is NewServer with its files in folders of the caller's.
func NewServerIn(t testing.TB, in Folders) *Server {
	t.Helper()
	if os.Getenv(envNone) == "1" {
		t.Skipf("%s=1: tests on PostgreSQL are left out", envNone)
	}
	own, err := startCluster(in, durable)
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
	name := databaseName()
	if err := s.Execute("CREATE DATABASE " + pq.QuoteIdentifier(name)); err != nil {
		s.t.Fatalf("create test database: %v", err)
	}
	u := s.server()
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

// Ended reports whether the server has gone, by Stop or by itself.
func (s *Server) Ended() bool {
	s.t.Helper()
	return s.ask("status") == "ended"
}

// Execute runs a statement as the superuser, in a connection of its own.
func (s *Server) Execute(statement string) error {
	s.t.Helper()
	return execute(s.server(), statement)
}

func (s *Server) server() *url.URL {
	s.t.Helper()
	u, err := url.Parse(s.own.url)
	if err != nil {
		s.t.Fatalf("URL of the test's PostgreSQL is not readable") // the URL holds a password
	}
	return u
}

func (s *Server) order(line string) {
	s.t.Helper()
	if answer := s.ask(line); answer != "done" {
		s.t.Fatalf("%s of the test's PostgreSQL: %q", line, answer)
	}
}

// ask is for one goroutine at a time: the answers are lines of one pipe.
func (s *Server) ask(line string) string {
	s.t.Helper()
	if _, err := fmt.Fprintln(s.own.alive, line); err != nil {
		s.t.Fatalf("%s: %v", line, err)
	}
	answer, err := s.own.said.ReadString('\n')
	if err != nil {
		s.t.Fatalf("%s of the test's PostgreSQL: %v", line, err)
	}
	return strings.TrimSpace(answer)
}
