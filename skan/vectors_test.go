package skan

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// sharedVectors lies beside the checkout where it is available at all.
const sharedVectors = "../../shared/vectors"

type vector struct {
	Name   string          `json:"name"`
	Kind   string          `json:"kind"`
	Expect string          `json:"expect"`
	Source string          `json:"source"`
	Body   json.RawMessage `json:"body"`
	Raw    *string         `json:"raw_body"`
	Signed string          `json:"signed_string"`
}

func (v vector) body() []byte {
	if v.Raw != nil {
		return []byte(*v.Raw)
	}
	return v.Body
}

func readVectors(t *testing.T) map[string]vector {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(sharedVectors, "*.json"))
	require.NoError(t, err)
	out := map[string]vector{}
	for _, file := range files {
		if filepath.Base(file) == "keys.json" {
			continue
		}
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		var v vector
		require.NoError(t, json.Unmarshal(raw, &v), file)
		out[v.Name] = v
	}
	if len(out) == 0 {
		t.Skipf("no vectors in %s; the samples of fixtures/postbacks are tested all the same", sharedVectors)
	}
	return out
}

func TestVectors(t *testing.T) {
	t.Parallel()
	verdicts := map[string]Verdict{
		"valid": Valid, "valid-duplicate": Valid, "valid-unsigned-changed": Valid, "valid-development": Develop,
		"invalid": Invalid, "reject": Malformed, "unsupported": Unsupported,
	}
	all := readVectors(t)
	v := NewVerifier(AppleKeys())
	for name, vec := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res := v.Verify(vec.body())
			want := verdicts[vec.Expect]
			origin, derived := strings.CutPrefix(vec.Source, "derived from ")
			source, known := all[origin]
			if derived && known && want == Valid {
				// A copy of a development postback is a development postback.
				want = verdicts[source.Expect]
				require.Equal(t, v.Verify(source.body()).Identity, res.Identity)
			}
			if derived && !known && want == Valid {
				require.Contains(t, []Verdict{Valid, Develop}, res.Verdict, res.Message)
			} else {
				require.Equal(t, want, res.Verdict, "%s %s", res.Reason, res.Message)
			}
			require.Equal(t, res.Verdict == Valid || res.Verdict == Develop, res.Identity != nil)
			require.Equal(t, res.Verdict == Valid, res.Reason == "")
			if vec.Kind == "skan" && res.Postback != nil && vec.Signed != "" {
				msg, err := Message(res.Postback)
				require.NoError(t, err)
				require.Equal(t, vec.Signed, string(msg))
			}
		})
	}
}

// The keys in the binary are the published ones.
func TestAppleKeysAreTheSharedOnes(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(filepath.Join(sharedVectors, "keys.json"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("no keys.json in %s", sharedVectors)
	}
	require.NoError(t, err)
	want, got := map[string]string{}, map[string]string{}
	require.NoError(t, json.Unmarshal(raw, &want))
	for _, k := range AppleKeys().List() {
		got[k.Name] = k.SPKI
	}
	require.Equal(t, want, got)
}

const samples = "../fixtures/postbacks"

func sample(t testing.TB, file string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(samples, file))
	require.NoError(t, err)
	return raw
}

// Apple's documentation samples, from the repository itself.
func TestAppleSamples(t *testing.T) {
	t.Parallel()
	var index []struct {
		File      string
		Framework Framework
		Version   string
		Verdict   Verdict
		Key       string
	}
	require.NoError(t, json.Unmarshal(sample(t, "expect.json"), &index))
	require.Len(t, index, 9)
	v := NewVerifier(AppleKeys())
	for _, want := range index {
		t.Run(want.File, func(t *testing.T) {
			t.Parallel()
			res := v.Verify(sample(t, want.File))
			require.Equal(t, want.Verdict, res.Verdict, res.Message)
			require.Equal(t, want.Framework, res.Framework)
			require.Equal(t, want.Version, res.Version)
			require.Equal(t, want.Key, res.Key)
			require.Empty(t, res.Flags)
		})
	}
}
