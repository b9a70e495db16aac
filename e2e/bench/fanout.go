package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

// reader assembles one stream's pieces.
type reader struct {
	text   []byte
	runes  int
	pieces int // whole deltas of the worker that have arrived
	deltas int // events that brought them
	events int
	lags   []time.Duration // of each piece: the worker sends it to this reader has it
	err    error
}

// apply makes the answer its first e.Offset code points and e.Text.
func (r *reader) apply(e event) {
	if e.Offset > r.runes {
		r.err = fmt.Errorf("a delta at code point %d, after %d had arrived", e.Offset, r.runes)
		return
	}
	for ; r.runes > e.Offset; r.runes-- { // a correction
		_, size := utf8.DecodeLastRune(r.text)
		r.text = r.text[:len(r.text)-size]
	}
	r.text = append(r.text, e.Text...)
	r.runes += utf8.RuneCountInString(e.Text)
}

// runFanout has one answer in many deltas read by many.
func runFanout(ctx context.Context, srv *server, s settings) ([]figure, error) {
	if s.dialect != "v1" {
		return nil, fmt.Errorf("the guide dialect has no deltas: fanout is for -dialect v1")
	}
	const deltaBytes = 60
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	crew := newCrew(s, deltaBytes*s.deltas)
	crew.workers, crew.capacity = 1, 1

	began := time.Now()
	sentAt := make([]atomic.Int64, s.deltas) // since began
	upTo := make([]int, s.deltas)            // code points with that delta
	total := 0
	for i, d := range crew.deltas {
		total += utf8.RuneCountInString(d)
		upTo[i] = total
	}
	readers := make([]reader, s.streams)
	got := func(i int, e event) {
		r := &readers[i]
		r.events++
		if e.Type != "delta" {
			return
		}
		r.deltas++
		r.apply(e)
		now := time.Since(began)
		for ; r.pieces < len(upTo) && upTo[r.pieces] <= r.runes; r.pieces++ {
			r.lags = append(r.lags, now-time.Duration(sentAt[r.pieces].Load()))
		}
	}

	requests, err := submitMany(ctx, srv, s, 1, "")
	if err != nil {
		return nil, err
	}
	group, err := openStreams(ctx, srv, slices.Repeat(requests, s.streams), func(i int, end event) error {
		if err := readers[i].err; err != nil {
			return err
		}
		return checkEnd(end, crew.answer)
	}, got)
	if err != nil {
		return nil, err
	}
	if err := sleepUntil(ctx, time.Now().Add(calmDown/4)); err != nil {
		return nil, err
	}

	crew.paced = func(send func(int) error) error {
		first := time.Now()
		for i := range s.deltas {
			if s.deltaRate > 0 {
				if err := sleepUntil(ctx, first.Add(seconds(float64(i)/s.deltaRate))); err != nil {
					return err
				}
			}
			sentAt[i].Store(int64(time.Since(began)))
			if err := send(i); err != nil {
				return err
			}
		}
		return nil
	}
	profiled := srv.startProfile(ctx, s.profile, s.window())
	cpuBefore, err := cpuTime(srv.pid)
	if err != nil {
		return nil, err
	}
	if err := crew.during(ctx, srv, func(ctx context.Context) error {
		defer context.AfterFunc(ctx, cancel)() // a worker that fails ends the streams too
		return group.Wait()
	}); err != nil {
		return nil, err
	}
	took := time.Since(began) - time.Duration(sentAt[0].Load())
	cpu, err := cpuTime(srv.pid)
	if err != nil {
		return nil, err
	}
	if err := profiled(); err != nil {
		return nil, err
	}
	events, deltas, whole := 0, 0, 0
	var lags []time.Duration
	for i := range readers {
		r := &readers[i]
		if string(r.text) == crew.answer {
			whole++
		} else if len(r.text) > len(crew.answer) || crew.answer[:len(r.text)] != string(r.text) {
			return nil, fmt.Errorf("reader %d of %d: its pieces are no beginning of the answer", i, len(readers))
		}
		events += r.events
		deltas += r.deltas
		lags = append(lags, r.lags...)
	}
	if whole < len(readers) {
		fmt.Fprintf(os.Stderr, "bench: %d of %d readers got the last pieces only with the end\n", len(readers)-whole, len(readers))
	}
	return []figure{
		// A piece is one delta of the worker at one reader: a slow reader gets several of them in one event.
		{"pieces", "/s", float64(s.deltas*s.streams) / took.Seconds(), s.deltaRate == 0},
		{"events", "/s", float64(events) / took.Seconds(), false},
		{"deltas each", "", float64(deltas) / float64(len(readers)), false},
		{"lag p50", "ms", milliseconds(quantile(lags, 0.5)), true},
		{"lag p99", "ms", milliseconds(quantile(lags, 0.99)), true},
		{"server", "µs/piece", microsecondsPer(cpu-cpuBefore, s.deltas*s.streams), true},
		{"took", "s", took.Seconds(), false},
	}, nil
}
