package aggregate_test

import "testing"

// withoutRace leaves out, under the race detector, a test that fits many worlds in one
// goroutine. `make test` runs it once more without the detector.
func withoutRace(t *testing.T) {
	t.Helper()
	if raced {
		t.Skip("too slow under the race detector; make test runs it without")
	}
}
