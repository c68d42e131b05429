package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// sync brings to the disk what filling has left to be written: that is no part of
// what is measured next, which would wait for it at its first flush.
func (s *stocked) sync(ctx context.Context) error {
	if s.kind == postgres {
		if _, err := s.main.ExecContext(ctx, "CHECKPOINT"); err != nil {
			return fmt.Errorf("checkpoint: %w", err)
		}
		return nil
	}
	if _, err := s.main.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	f, err := os.Open(filepath.Join(strings.TrimPrefix(s.place, "sqlite:"), "skand.db"))
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// work is what a store has used so far; 0 is what can't be known here.
type work struct {
	cpu     float64 // seconds, the database's included
	written float64 // bytes: to the log on PostgreSQL, to files on SQLite
}

// spent is work that sees nothing of the neighbours. Nothing else may go on meanwhile.
func (s *stocked) spent(ctx context.Context, clusterURL string) work {
	var w work
	if s.kind == postgres {
		err := s.main.QueryRowContext(ctx, "SELECT pg_current_wal_insert_lsn() - CAST('0/0' AS pg_lsn)").Scan(&w.written)
		if err != nil {
			w.written = 0
		}
	} else {
		w.written, _ = writtenBytes() // 0: not known
	}
	w.cpu, _ = cpuSeconds(os.Getpid(), clusterURL) // likewise
	return w
}
