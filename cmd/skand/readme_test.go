package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestReadmeCommands types every command of README.md, in order, as somebody who
// has just arrived would: the sh blocks in one shell, a server in another. A text
// block right after one is what has to appear; … in it stands for anything. These
// comments in README.md steer it:
//
//	<!-- not run: REASON -->   leave the next sh block out
//	<!-- needs: PROGRAM -->    leave it out where that program is missing
//	<!-- server -->            the next sh block is a server that stays running
//	<!-- ctrl-c -->            end the server
func TestReadmeCommands(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"bash", "curl", "sed"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("README.md is typed with %s, which is not installed", program)
		}
	}
	steps := readmeSteps(t)
	r := newReadmeReader(t)
	ran := 0
	for _, s := range steps {
		switch {
		case s.needs != "" && !found(s.needs):
			t.Logf("README.md:%d: left out, %s is not installed", s.line, s.needs)
		case s.ctrlC:
			r.endServer(t)
		case s.server:
			s.compare(t, r.addresses, r.startServer(t, s))
		case s.skip == "":
			ran++
			s.compare(t, r.addresses, r.run(t, s))
		}
	}
	require.Greater(t, ran, 5, "the README has lost its commands")
	require.Nil(t, r.server, "a server is left running; say <!-- ctrl-c --> where the reader ends it")
}

func found(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

// readmeStep is one sh block, or one marker that stands alone.
type readmeStep struct {
	line          int
	text          string // commands
	want          string
	promised      bool // want holds
	skip, needs   string
	server, ctrlC bool
}

var readmeMarker = regexp.MustCompile(`^<!-- (not run|needs|server|ctrl-c)(?:: (.*))? -->$`)

// readmeSteps reads README.md. A marker belongs to the next block.
func readmeSteps(t *testing.T) []readmeStep {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	require.NoError(t, err)
	var steps []readmeStep
	var next readmeStep
	after := false // only blank lines since a sh block ended
	lines := strings.Split(string(raw), "\n")
	for i := 0; i < len(lines); i++ {
		m := readmeMarker.FindStringSubmatch(lines[i])
		switch {
		case m != nil && m[1] == "ctrl-c":
			steps = append(steps, readmeStep{line: i + 1, ctrlC: true})
		case m != nil && m[1] == "server":
			next.server = true
		case m != nil && m[1] == "needs":
			next.needs = m[2]
		case m != nil:
			require.NotEmptyf(t, m[2], "README.md:%d: why is it not run?", i+1)
			next.skip = m[2]
		case strings.HasPrefix(lines[i], "```"):
			kind, body := lines[i][3:], ""
			next.line = i + 1
			for i++; lines[i] != "```"; i++ {
				body += lines[i] + "\n"
			}
			if kind == "sh" {
				next.text = body
				steps = append(steps, next)
			} else if kind == "text" && after {
				steps[len(steps)-1].want, steps[len(steps)-1].promised = body, true
			}
			next, after = readmeStep{}, kind == "sh"
			continue
		}
		after = after && strings.TrimSpace(lines[i]) == ""
	}
	return steps
}

// compare checks what appeared against the text block, ports put right.
func (s readmeStep) compare(t *testing.T, addresses *strings.Replacer, got string) {
	t.Helper()
	if !s.promised {
		return
	}
	want := strings.TrimSpace(addresses.Replace(s.want))
	pattern := strings.ReplaceAll(regexp.QuoteMeta(want), "…", `[\s\S]*?`)
	require.Regexpf(t, `\A`+pattern+`\z`, strings.TrimSpace(got), "README.md:%d\n%s", s.line, s.text)
}

// readmeReader is the person at the terminal: a folder with what the repository
// has, one shell, one server at a time.
type readmeReader struct {
	dir       string
	env       []string
	addresses *strings.Replacer
	shell     io.Writer
	output    *bufio.Reader
	server    *exec.Cmd
}

func newReadmeReader(t *testing.T) *readmeReader {
	t.Helper()
	r := &readmeReader{dir: t.TempDir(), addresses: strings.NewReplacer()}
	for _, folder := range []string{"fixtures/postbacks", "fixtures/schemas", "docs/examples"} {
		require.NoError(t, os.CopyFS(filepath.Join(r.dir, folder), os.DirFS(filepath.Join("..", "..", folder))))
	}
	self, err := os.Executable()
	require.NoError(t, err)
	bin := t.TempDir()
	wrapper := fmt.Sprintf("#!/bin/sh\n%s=1 exec '%s' \"$@\"\n", asProgram, self)
	require.NoError(t, os.WriteFile(filepath.Join(bin, "skand"), []byte(wrapper), 0o755)) //nolint:gosec // a program
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "SKAND_") && !strings.HasPrefix(e, "PATH=") {
			r.env = append(r.env, e)
		}
	}
	r.env = append(r.env, "PATH="+bin+":"+os.Getenv("PATH"))

	shell := exec.Command("bash", "--norc", "-e", "-o", "pipefail")
	shell.Dir, shell.Env = r.dir, r.env
	r.shell, err = shell.StdinPipe()
	require.NoError(t, err)
	out, err := shell.StdoutPipe()
	require.NoError(t, err)
	shell.Stderr = shell.Stdout // as on a terminal
	r.output = bufio.NewReader(out)
	require.NoError(t, shell.Start())
	t.Cleanup(func() {
		_ = shell.Process.Kill() // it would read on
		_ = shell.Wait()         // "signal: killed" is what is wanted
	})
	return r
}

const readmeEnd = "@@ the block has ended @@"

// run types one block and returns what appeared.
func (r *readmeReader) run(t *testing.T, s readmeStep) string {
	t.Helper()
	_, err := fmt.Fprintf(r.shell, "%s\necho; echo '%s'\n", r.addresses.Replace(s.text), readmeEnd)
	require.NoError(t, err)
	var got strings.Builder
	for {
		line, err := r.output.ReadString('\n')
		require.NoErrorf(t, err, "README.md:%d: a command failed\n%s\n%s%s", s.line, s.text, got.String(), line)
		if strings.TrimSpace(line) == readmeEnd {
			return got.String()
		}
		got.WriteString(line)
	}
}

// startServer runs a block that stays, on free ports, and returns its ready line.
func (r *readmeReader) startServer(t *testing.T, s readmeStep) string {
	t.Helper()
	require.Nilf(t, r.server, "README.md:%d: another server is still running", s.line)
	cmd := exec.Command("bash", "-c", "exec "+s.text) //nolint:gosec // our own README
	log := &lockedBuffer{}
	cmd.Dir, cmd.Stderr = r.dir, log
	cmd.Env = append([]string{"SKAND_PUBLIC=127.0.0.1:0", "SKAND_ADMIN=127.0.0.1:0"}, r.env...)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	r.server = cmd
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it has ended, unless the test failed
		if t.Failed() {
			t.Logf("log of the server of README.md:%d:\n%s", s.line, log)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoErrorf(t, err, "README.md:%d: the server said %s", s.line, log)
	var ready program
	require.NoError(t, json.Unmarshal([]byte(line), &ready))
	public, admin := hostOf(t, ready.Public), hostOf(t, ready.Admin)
	r.addresses = strings.NewReplacer("localhost:8080", public, "127.0.0.1:8080", public,
		"localhost:8081", admin, "127.0.0.1:8081", admin)
	return line
}

func (r *readmeReader) endServer(t *testing.T) {
	t.Helper()
	require.NotNil(t, r.server)
	require.NoError(t, r.server.Process.Signal(syscall.SIGINT))
	require.NoError(t, r.server.Wait())
	r.server = nil
}

func hostOf(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	return u.Host
}

// TestExampleSchemaIsTheSample: docs/schema.md explains the one, people apply the other.
func TestExampleSchemaIsTheSample(t *testing.T) {
	t.Parallel()
	sample, err := os.ReadFile(filepath.Join("..", "..", "fixtures", "schemas", "puzzle-revenue.json"))
	require.NoError(t, err)
	example, err := os.ReadFile(filepath.Join("..", "..", "docs", "examples", "first-app", "puzzle-schema.json"))
	require.NoError(t, err)
	require.Equal(t, string(sample), string(example))
}

// TestDocsNameTestsThatExist: "held by" is a claim; a renamed test must not leave
// it hanging.
func TestDocsNameTestsThatExist(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	var tests strings.Builder
	err := filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path) //nolint:gosec // our own tests
		tests.Write(text)
		return err
	})
	require.NoError(t, err)
	docs, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	require.NoError(t, err)
	named := 0
	for _, path := range append(docs, filepath.Join(root, "README.md")) {
		text, err := os.ReadFile(path) //nolint:gosec // our own documents
		require.NoError(t, err)
		for _, name := range regexp.MustCompile("`Test[A-Z][A-Za-z0-9]+`").FindAllString(string(text), -1) {
			named++
			require.Contains(t, tests.String(), "func "+strings.Trim(name, "`")+"(t *testing.T)", path)
		}
	}
	require.Positive(t, named)
}
