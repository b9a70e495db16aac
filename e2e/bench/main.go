// Command bench measures chatbridge on this machine: it plays the clients and the workers against the real binary and, in
// turns with it, against a bare server of its own, which does the same work with the same libraries and nothing beside it.
// Absolute figures move with the machine; the ratios of one run are what counts. See -help.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"
)

// settings are the flags of a measurement. Zero means the scenario's own default where it has one.
type settings struct {
	target, dialect, scenario  string
	clients, workers, capacity int
	seconds, warmup            float64
	rounds                     int
	messageBytes, answerBytes  int
	deltas                     int
	deltaRate                  float64
	streams, requests          int
	profile, binary, dir       string
}

func (s settings) window() time.Duration { return seconds(s.seconds) }

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

const usage = `bench measures chatbridge and, in turns with it, a bare server that does the same work and nothing else.

  go run ./e2e/bench                                     round trips a second, both, three rounds
  go run ./e2e/bench -dialect guide                      the same with workers of the guide's dialect
  go run ./e2e/bench -scenario latency                   worker's answer to the client's end of stream, 8 clients
  go run ./e2e/bench -scenario idle-streams              memory of 10,000 idle streams, and that all of them get their end
  go run ./e2e/bench -scenario fanout -delta-rate 0      one answer to 1,000 readers, as fast as it goes
  go run ./e2e/bench -scenario memory -target chatbridge 100,000 requests, the memory after each 10,000
  go run ./e2e/bench -scenario idle-cpu                  CPU of 100 idle workers and 1,000 idle streams
  go run ./e2e/bench -scenario first-try                 worker's answer to the arrival of its webhook
  go run ./e2e/bench -scenario deliveries                webhooks a second from 100,000 that wait, 10 of 50 endpoints being dead
  go run ./e2e/bench -scenario dead-endpoints            what dead endpoints cost the others
  go run ./e2e/bench -scenario due -target chatbridge    how late a retry leaves, and looks at the store meanwhile
  CHATBRIDGE_STORE=postgres://… go run ./e2e/bench -target chatbridge -rounds 1     on an empty PostgreSQL database
  go run ./e2e/bench -profile cpu.pprof -rounds 1        with a CPU profile of each server: cpu.bare.pprof, cpu.chatbridge.pprof

Equal servers differ by 10 to 20 % from round to round on a busy machine: take the median of several rounds, look at the CPU
per trip, which moves less, and repeat where "others" shows that something else was running.

Each server is a child process with a fresh data folder, for each round. The webhook goes to the server's own receiver.
Clients and workers live in this process: on few cores they take a good part of the time ("driver").

Scenarios:
`

func main() {
	if err := run(os.Args[1:]); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return
		}
		fmt.Fprintln(os.Stderr, "bench:", err)
		if _, wrong := errors.AsType[usageError](err); wrong {
			os.Exit(2)
		}
		os.Exit(1)
	}
}

// usageError is a wrong flag or value: exit 2.
type usageError struct{ error }

func run(args []string) error {
	var s settings
	var bare bareConfig
	var serveBare bool
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&s.target, "target", "both", "what to measure: bare, chatbridge or both, in turns")
	flags.StringVar(&s.dialect, "dialect", "v1", "the workers' dialect: v1 or guide (one request a socket: workers × capacity sockets)")
	flags.StringVar(&s.scenario, "scenario", "roundtrip", "what to do: "+strings.Join(scenarioNames(), ", "))
	flags.IntVar(&s.clients, "clients", 0, "clients that send at once, one connection each (default 64; latency 8)")
	flags.IntVar(&s.workers, "workers", 0, "workers (default 8; idle-cpu 100)")
	flags.IntVar(&s.capacity, "capacity", 8, "requests that one worker takes at once")
	flags.Float64Var(&s.seconds, "seconds", 0, "length of the measured window (default 10; idle-cpu 20)")
	flags.Float64Var(&s.warmup, "warmup", 2, "seconds before it")
	flags.IntVar(&s.rounds, "rounds", 0, "rounds, each with every target (default 3; 1 where memory is measured)")
	flags.IntVar(&s.messageBytes, "message-bytes", 200, "length of a message")
	flags.IntVar(&s.answerBytes, "answer-bytes", 600, "length of an answer (fanout: 60 for each delta)")
	flags.IntVar(&s.deltas, "deltas", 0, "deltas that an answer comes in (default 1; fanout 100)")
	flags.Float64Var(&s.deltaRate, "delta-rate", 20, "fanout: deltas a second; 0: as fast as it goes, which no real worker may")
	flags.IntVar(&s.streams, "streams", 0, "streams (default 10000 for idle-streams, 1000 for fanout and idle-cpu)")
	flags.IntVar(&s.requests, "requests", 100_000, "memory: requests to run through; deliveries: webhooks that wait")
	flags.StringVar(&s.profile, "profile", "", "write a CPU profile of each server's first measured window to this `file`, the target's name put in before its ending (not idle-streams)")
	flags.StringVar(&s.binary, "binary", "", "a built chatbridge (default: build ./cmd/chatbridge)")
	flags.StringVar(&s.dir, "dir", "", "folder for the temporary data, on the disk to be measured (default: the system's)")
	flags.BoolVar(&serveBare, "serve-bare", false, "be the bare server (how the driver starts it)")
	flags.StringVar(&bare.addr, "listen", "", "-serve-bare: its address")
	flags.StringVar(&bare.data, "data", "", "-serve-bare: its data folder")
	flags.StringVar(&bare.pprof, "pprof", "", "-serve-bare: an address for net/http/pprof")
	flags.Usage = func() {
		out := flags.Output()
		fmt.Fprint(out, usage)
		for _, sc := range scenarios {
			fmt.Fprintf(out, "  %-14s %s\n", sc.name, sc.about)
		}
		fmt.Fprint(out, "\nFlags:\n")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return usageError{err}
	}
	if flags.NArg() > 0 {
		return usageError{fmt.Errorf("unexpected argument %q; see -help", flags.Arg(0))}
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if serveBare {
		return runBare(ctx, bare)
	}
	i := slices.IndexFunc(scenarios, func(sc scenario) bool { return sc.name == s.scenario })
	if i < 0 {
		return usageError{fmt.Errorf("-scenario %q: want one of %s", s.scenario, strings.Join(scenarioNames(), ", "))}
	}
	sc := scenarios[i]
	s = s.withDefaults(sc.defaults)
	targets, err := s.check()
	if err != nil {
		return usageError{err}
	}
	debug.SetGCPercent(400) // ours, not the servers': what the driver saves they get
	return rounds(ctx, sc, targets, s)
}

func scenarioNames() []string {
	var names []string
	for _, sc := range scenarios {
		names = append(names, sc.name)
	}
	return names
}

// withDefaults fills what no flag has set.
func (s settings) withDefaults(d settings) settings {
	for _, f := range []struct {
		value    *int
		defaults [2]int
	}{
		{&s.clients, [2]int{d.clients, 64}},
		{&s.workers, [2]int{d.workers, 8}},
		{&s.rounds, [2]int{d.rounds, 3}},
		{&s.deltas, [2]int{d.deltas, 1}},
		{&s.streams, [2]int{d.streams, 1000}},
	} {
		for _, v := range f.defaults {
			if *f.value == 0 {
				*f.value = v
			}
		}
	}
	for _, v := range []float64{d.seconds, 10} {
		if s.seconds == 0 {
			s.seconds = v
		}
	}
	return s
}

// check refuses what cannot be measured and says which targets are.
func (s settings) check() ([]string, error) {
	for name, v := range map[string]int{
		"-clients": s.clients, "-workers": s.workers, "-capacity": s.capacity, "-rounds": s.rounds, "-deltas": s.deltas,
		"-streams": s.streams, "-requests": s.requests, "-message-bytes": s.messageBytes, "-answer-bytes": s.answerBytes,
	} {
		if v < 1 {
			return nil, fmt.Errorf("%s must be at least 1", name)
		}
	}
	if s.seconds <= 0 || s.warmup < 0 || s.deltaRate < 0 {
		return nil, errors.New("-seconds must be above 0, -warmup and -delta-rate not below")
	}
	if s.dialect != "v1" && s.dialect != "guide" {
		return nil, fmt.Errorf("-dialect %q: want v1 or guide", s.dialect)
	}
	switch s.target {
	case "both":
		return []string{"bare", "chatbridge"}, nil
	case "bare", "chatbridge":
		return []string{s.target}, nil
	}
	return nil, fmt.Errorf("-target %q: want bare, chatbridge or both", s.target)
}
