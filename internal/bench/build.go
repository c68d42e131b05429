package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"skand/skan"
)

// binaries are the programs of a run.
type binaries struct{ skand, naive string }

// programs builds skand and naive, once.
//
// Both get two changes through a build overlay, and the files of the repository
// stay as they are. The key that is embedded as Apple's is the lab's: only Apple can
// sign with Apple's, and a key that is merely trusted beside it is tried second,
// which would charge each postback for two checks. And the probe goes in, which
// sleeps unless it is woken (package probe).
func (b *bench) programs(ctx context.Context) (*binaries, error) {
	if b.built != nil {
		return b.built, nil
	}
	overlay, err := b.overlay()
	if err != nil {
		return nil, err
	}
	built := &binaries{filepath.Join(b.dir, "skand"), filepath.Join(b.dir, "naive")}
	for _, p := range []struct{ to, pkg string }{{built.skand, "./cmd/skand"}, {built.naive, "./internal/bench/naive"}} {
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-overlay", overlay, "-o", p.to, p.pkg)
		cmd.Dir = b.root
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if err := quiet(cmd); err != nil {
			return nil, fmt.Errorf("build %s: %w", p.pkg, err)
		}
	}
	b.built = built
	return built, nil
}

const probeImport = "package main\n\nimport _ \"skand/internal/bench/probe\" // see internal/bench\n"

func (b *bench) overlay() (string, error) {
	keys := filepath.Join(b.root, "skan", "keys.go")
	text, err := os.ReadFile(keys)
	if err != nil {
		return "", err
	}
	apples, err := applesKey()
	if err != nil {
		return "", err
	}
	if n := bytes.Count(text, []byte(apples)); n != 1 {
		return "", fmt.Errorf("%s holds Apple's P-256 key %d times, want once: teach internal/bench where it went", keys, n)
	}
	text = bytes.Replace(text, []byte(apples), []byte(b.apple.p256), 1)
	replace := map[string]string{
		keys: filepath.Join(b.dir, "keys.go.overlay"),
		filepath.Join(b.root, "cmd", "skand", "bench_probe.go"): filepath.Join(b.dir, "probe.go.overlay"),
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	file := filepath.Join(b.dir, "overlay.json")
	return file, errors.Join(
		os.WriteFile(filepath.Join(b.dir, "keys.go.overlay"), text, 0o600),
		os.WriteFile(filepath.Join(b.dir, "probe.go.overlay"), []byte(probeImport), 0o600),
		os.WriteFile(file, list, 0o600),
	)
}

func applesKey() (string, error) {
	for _, k := range skan.AppleKeys().List() {
		if k.Name == "apple-p256" {
			return k.SPKI, nil
		}
	}
	return "", errors.New("skan has no key apple-p256")
}

// slowFsync builds the library that delays PostgreSQL's flushes.
func (b *bench) slowFsync(ctx context.Context) (string, error) {
	cc, err := exec.LookPath("gcc")
	if err != nil {
		return "", fmt.Errorf("%w: no gcc to build the slow disk with", errLeftOut)
	}
	to := filepath.Join(b.dir, "slowfsync.so")
	cmd := exec.CommandContext(ctx, cc, "-O2", "-Wall", "-shared", "-fPIC", "-o", to, "internal/bench/slowfsync/slowfsync.c", "-ldl")
	cmd.Dir = b.root
	if err := quiet(cmd); err != nil {
		return "", fmt.Errorf("build slowfsync.c: %w", err)
	}
	return to, os.Chmod(to, 0o755)
}

// quiet runs a command whose output only matters when it fails.
func quiet(cmd *exec.Cmd) error {
	said, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, bytes.TrimSpace(said))
	}
	return nil
}

func repositoryRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("find the repository: %w", err)
	}
	mod := string(bytes.TrimSpace(out))
	if filepath.Base(mod) != "go.mod" {
		return "", errors.New("find the repository: run bench inside it")
	}
	return filepath.Dir(mod), nil
}
