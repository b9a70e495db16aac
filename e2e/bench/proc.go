package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// clockTick is the unit of CPU times in /proc: USER_HZ is 100 on every Linux that Go runs on.
const clockTick = 10 * time.Millisecond

// cpuTime is the CPU that a process has used, user and system, in steps of 10 ms. Linux only.
func cpuTime(pid int) (time.Duration, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("reading the CPU time: %w", err)
	}
	// The name, in parentheses, may hold blanks. After it utime and stime are fields 12 and 13 (proc_pid_stat(5)).
	fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
	var ticks int64
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("reading the CPU time: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * clockTick, nil
}

// machineTime is the CPU that all processes of the machine have used, and what its host has withheld (steal). Interrupts are
// left out: over loopback they are the servers' and the driver's own traffic. Linux only.
func machineTime() (time.Duration, error) {
	data, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, fmt.Errorf("reading the machine's CPU time: %w", err)
	}
	var user, nice, system, idle, iowait, irq, softirq, steal int64
	if _, err := fmt.Sscanf(string(data), "cpu %d %d %d %d %d %d %d %d", &user, &nice, &system, &idle, &iowait, &irq, &softirq, &steal); err != nil {
		return 0, fmt.Errorf("reading the machine's CPU time: %w", err)
	}
	return time.Duration(user+nice+system+steal) * clockTick, nil
}

// memory is the resident memory of a process in KiB: all of it, and what is not backed by files (heap, stacks). Linux only.
func memory(pid int) (rss, anonymous int64, err error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, 0, fmt.Errorf("reading the memory: %w", err)
	}
	for line := range strings.Lines(string(data)) {
		name, rest, _ := strings.Cut(line, ":")
		var into *int64
		switch name {
		case "Rss":
			into = &rss
		case "Anonymous":
			into = &anonymous
		default:
			continue
		}
		if _, err := fmt.Sscan(rest, into); err != nil {
			return 0, 0, fmt.Errorf("reading the memory: %w", err)
		}
	}
	return rss, anonymous, nil
}
