package model

import "fmt"

// Hours of Apple's windows and delays, after the first launch: later windows open when
// the one before ends, and postbacks come so long after the end, evenly.
var (
	laterOpens = [3]int{0, 48, 168}
	laterEnds  = [3]int{48, 168, 840}
	laterDelay = [3][2]int{{24, 48}, {24, 144}, {24, 144}}
)

// LagWeights says in which window the postback of index 1 or 2 comes, of an install
// whose postback of index 0 came in window 0: weights by windows later, of so many hours
// each. They sum to 1. Locks are the schema's time locks in hours into each window, 0
// where there is none. Retries are left out.
func LagWeights(index, hours int, locks [3]int) ([]float64, error) {
	if index != 1 && index != 2 {
		return nil, fmt.Errorf("lag of index %d: only 1 and 2 have one", index)
	}
	if hours < 1 {
		return nil, fmt.Errorf("lag in windows of %d hours: a window has at least one", hours)
	}
	first, later := laterDelay[0], laterDelay[index]
	base := closes(index, locks) - closes(0, locks)
	var out []float64
	add := func(lag, weight float64) {
		for int(lag)/hours+2 > len(out) {
			out = append(out, 0)
		}
		// The first postback comes at any time of its window.
		over := (lag - float64(int(lag)/hours*hours)) / float64(hours)
		out[int(lag)/hours] += weight * (1 - over)
		out[int(lag)/hours+1] += weight * over
	}
	each := 1 / float64((first[1]-first[0])*(later[1]-later[0]))
	for a := first[0]; a < first[1]; a++ {
		for b := later[0]; b < later[1]; b++ {
			add(max(0, float64(base+b-a)), each)
		}
	}
	for out[len(out)-1] == 0 {
		out = out[:len(out)-1]
	}
	return out, nil
}

func closes(index int, locks [3]int) int {
	if locks[index] > 0 {
		return min(laterOpens[index]+locks[index], laterEnds[index])
	}
	return laterEnds[index]
}
