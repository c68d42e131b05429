package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// asProgram makes this test binary behave as skand: tests of what a signal does
// need a process of its own, with the race detector in it.
const asProgram = "SKAND_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// program is a running skand.
type program struct {
	Public string `json:"public"`
	Admin  string `json:"admin"`
	cmd    *exec.Cmd
	log    *lockedBuffer
}

const testAdminToken = "0123456789abcdef0123456789abcdef"

// serveProgram starts `skand serve` on free ports and waits for its first line.
func serveProgram(t *testing.T, args ...string) *program {
	t.Helper()
	p := &program{log: &lockedBuffer{}}
	p.cmd = skandCommand(append([]string{"serve", "--public", "127.0.0.1:0", "--admin", "127.0.0.1:0"}, args...)...)
	p.cmd.Stderr = p.log
	out, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // it may have ended in the test
		_ = p.cmd.Wait()
		if t.Failed() {
			t.Logf("log of serve:\n%s", p.log)
		}
	})
	line, err := bufio.NewReader(out).ReadBytes('\n')
	require.NoError(t, err, "serve said: %s", p.log)
	require.NoError(t, json.Unmarshal(line, p))
	return p
}

func skandCommand(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1", "SKAND_ADMIN_TOKEN="+testAdminToken)
	return cmd
}

// kill ends the program as a power cut would.
func (p *program) kill(t *testing.T) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGKILL))
	_ = p.cmd.Wait() // "signal: killed" is what is wanted
}

// lockedBuffer is a log that a process writes while a test reads.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
