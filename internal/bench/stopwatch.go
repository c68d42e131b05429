package main

import (
	"fmt"
	"syscall"
	"time"
)

// now has the monotonic reading that the injected clock cuts off: durations of
// some microseconds are what this program is about.
func now() time.Time { return time.Now() }

// cpuTime is what this process has used of the CPUs so far, in both modes.
func cpuTime() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, fmt.Errorf("ask for the CPU time: %w", err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}
