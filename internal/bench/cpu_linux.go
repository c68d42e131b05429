package main

import (
	"bytes"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const tick = 0.01 // seconds: USER_HZ is 100 on every Linux

// cpuSeconds is the CPU time that a process has used so far and, on PostgreSQL,
// the whole cluster. Whose turn it is decides whose time it was: the servers of a
// run never work at once. Unlike a rate it does not see the neighbours.
func cpuSeconds(pid int, clusterURL string) (float64, bool) {
	own, _, ok := stat(strconv.Itoa(pid))
	if !ok || clusterURL == "" {
		return own * tick, ok
	}
	postmaster, ok := findPostmaster(clusterURL)
	if !ok {
		return 0, false
	}
	all, _, _ := stat(postmaster) // with its dead children
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, false
	}
	for _, dir := range dirs {
		if ticks, parent, ok := stat(filepath.Base(dir)); ok && parent == postmaster {
			all += ticks
		}
	}
	return (own + all) * tick, true
}

// writtenBytes is what this process has handed to write so far.
func writtenBytes() (float64, bool) {
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(text)) {
		if n, ok := strings.CutPrefix(line, "wchar: "); ok {
			f, err := strconv.ParseFloat(strings.TrimSpace(n), 64)
			return f, err == nil
		}
	}
	return 0, false
}

// stat is utime, stime and what waited-for children used, and the parent's pid.
func stat(pid string) (ticks float64, parent string, ok bool) {
	text, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return 0, "", false
	}
	_, rest, found := bytes.Cut(text, []byte(") ")) // after the name, which may hold anything but this
	f := strings.Fields(string(rest))
	if !found || len(f) < 15 {
		return 0, "", false
	}
	for _, s := range f[11:15] {
		n, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return 0, "", false
		}
		ticks += n
	}
	return ticks, f[1], true
}

// findPostmaster looks for the port that cluster.sh starts its server on.
func findPostmaster(clusterURL string) (string, bool) {
	u, err := url.Parse(clusterURL)
	if err != nil {
		return "", false
	}
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return "", false
	}
	want := fmt.Appendf(nil, "\x00port=%s\x00", u.Port())
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil && bytes.Contains(text, want) {
			return filepath.Base(filepath.Dir(file)), true
		}
	}
	return "", false
}
