package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// scenario is one way to load a server. It yields the same figures, in the same order, for each target.
type scenario struct {
	name, about string
	defaults    settings // where they differ from the flags' own
	// load says what these settings come to.
	load func(settings) string
	// limit bounds one run in time, beyond starting and stopping the server.
	limit func(settings) time.Duration
	run   func(context.Context, *server, settings) ([]figure, error)
	// alone is set where run needs no server: it gets one with a name only, and the target's folder as settings.dir.
	alone bool
}

var scenarios = []scenario{
	{"roundtrip", "whole round trips a second (submit to the end of the stream, webhook and its stored result)", settings{}, closedLoad, loadLimit, runRoundtrip, false},
	{"latency", "worker sends the answer to the client reads the end of its stream, few clients", settings{clients: 8}, closedLoad, loadLimit, runLatency, false},
	{"idle-streams", "memory per open stream while all requests wait; then workers come, and every stream must get its end",
		settings{streams: 10_000, rounds: 1}, idleLoad, fixedLimit(3 * time.Minute), runIdleStreams, false},
	{"fanout", "one answer in many deltas to many readers; each reader's pieces must add up to the answer",
		settings{deltas: 100}, fanoutLoad, fanoutLimit, runFanout, false},
	{"memory", "run many requests through and print the memory on the way", settings{rounds: 1}, closedLoad, fixedLimit(15 * time.Minute), runMemory, false},
	{"idle-cpu", "CPU with idle workers and idle streams", settings{workers: 100, seconds: 20, rounds: 1}, idleLoad, loadLimit, runIdleCPU, false},
}

func closedLoad(s settings) string {
	return fmt.Sprintf("%d clients, %d workers with %d slots, messages of %d bytes, answers of %d in %d deltas", s.clients, s.workers, s.capacity, s.messageBytes, s.answerBytes, s.deltas)
}

func idleLoad(s settings) string { return fmt.Sprintf("%d streams, %d workers", s.streams, s.workers) }

func fanoutLoad(s settings) string {
	return fmt.Sprintf("%d readers, %d deltas, %g a second (0: no limit)", s.streams, s.deltas, s.deltaRate)
}

// slack is what a run may take beyond its measured time: setting up, and a server that is slow to deliver.
const slack = 90 * time.Second

func loadLimit(s settings) time.Duration { return s.window() + seconds(s.warmup) + slack }

func fixedLimit(d time.Duration) func(settings) time.Duration {
	return func(settings) time.Duration { return d }
}

func fanoutLimit(s settings) time.Duration {
	if s.deltaRate == 0 {
		return slack
	}
	return seconds(float64(s.deltas)/s.deltaRate) + slack
}

// figure is one measured number. With ratio set its quotient to bare's is shown.
type figure struct {
	name, unit string
	value      float64
	ratio      bool
}

// rounds measures every target in turns, so that what the machine does meanwhile hits all of them, and prints each round's
// figures as they come and their ratios at the end.
func rounds(ctx context.Context, sc scenario, targets []string, s settings) error {
	dir, err := os.MkdirTemp(s.dir, "chatbridge-bench-")
	if err != nil {
		return fmt.Errorf("making a temporary folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if slices.Contains(targets, "chatbridge") && s.binary == "" && !sc.alone {
		if s.binary, err = build(ctx, dir); err != nil {
			return err
		}
	}
	fmt.Printf("%s, dialect %s: %s; %s %s/%s, %d CPUs\n", sc.name, s.dialect, sc.load(s), runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())

	all := map[string][][]figure{}
	for round := range s.rounds {
		for _, target := range targets {
			one := s
			if round > 0 {
				one.profile = ""
			}
			figures, err := measure(ctx, sc, target, filepath.Join(dir, fmt.Sprintf("%s-%d", target, round)), one)
			if err != nil {
				return fmt.Errorf("%s, round %d: %w", target, round+1, err)
			}
			if round == 0 && target == targets[0] {
				printRow("round", "target", figures, func(f figure) string { return strings.TrimSpace(f.name + " " + f.unit) })
			}
			printRow(fmt.Sprint(round+1), target, figures, func(f figure) string { return format(f.value) })
			all[target] = append(all[target], figures)
		}
	}
	if len(targets) == 2 {
		printRatios(all["chatbridge"], all["bare"])
	}
	return nil
}

// measure runs one scenario once, against a fresh server.
func measure(ctx context.Context, sc scenario, target, dir string, s settings) ([]figure, error) {
	if s.dir = dir; sc.alone {
		limited, cancel := context.WithTimeout(ctx, sc.limit(s))
		defer cancel()
		return sc.run(limited, &server{name: target}, s)
	}
	srv, err := start(ctx, target, dir, s)
	if err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, sc.limit(s))
	defer cancel()
	figures, err := sc.run(limited, srv, s)
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("%w\n%s", err, srv.tail())
	}
	if serr := srv.stop(); err == nil {
		err = serr
	}
	return figures, err
}

func printRow(round, target string, figures []figure, cell func(figure) string) {
	fmt.Printf("%-6s%-12s", round, target)
	for _, f := range figures {
		width := max(10, len(f.name)+len(f.unit)+3)
		fmt.Printf("%*s", width, cell(f))
	}
	fmt.Println()
}

func format(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// printRatios prints, for each figure that is compared, chatbridge's over bare's of each round, and their median.
func printRatios(real, bare [][]figure) {
	for i, f := range bare[0] {
		if !f.ratio {
			continue
		}
		var ratios []float64
		for round := range bare {
			ratios = append(ratios, real[round][i].value/bare[round][i].value)
		}
		fmt.Printf("%s, chatbridge / bare: ", strings.TrimSpace(f.name+" "+f.unit))
		for _, r := range ratios {
			fmt.Printf("%.2f ", r)
		}
		fmt.Printf("· median %.2f\n", median(ratios))
	}
}

// median sorts values, of which there is at least one.
func median(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

// quantile sorts values and gives the one at p of [0, 1]; 0 of none.
func quantile(values []time.Duration, p float64) time.Duration {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[int(p*float64(len(values)-1)+0.5)]
}
