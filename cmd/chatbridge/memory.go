package main

import (
	"context"
	"os"
	"runtime/debug"
	"time"
)

// How much garbage the collector lets lie, in percent of what lives. With few
// streams little lives, and collecting rarely costs little memory; with many,
// what lives is mostly idle, and garbage would make it half as large again.
const (
	manyStreams    = 500
	gcPercentFew   = 200
	gcPercentMany  = 30
	gcPercentEvery = 250 * time.Millisecond
)

// tuneMemory follows the number of streams until ctx ends. An operator who sets
// GOGC decides for himself.
func tuneMemory(ctx context.Context, streams func() int) error {
	if os.Getenv("GOGC") != "" {
		return nil
	}
	look := time.NewTicker(gcPercentEvery)
	defer look.Stop()
	percent := gcPercentFew
	debug.SetGCPercent(percent)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
		}
		want := gcPercentFew
		if streams() >= manyStreams {
			want = gcPercentMany
		}
		if want != percent {
			percent = want
			debug.SetGCPercent(percent)
		}
	}
}
