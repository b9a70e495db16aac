package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"chatbridge/internal/bridge"
)

// keepFlags say how long what has ended is kept.
type keepFlags struct {
	KeepTexts    keep `help:"How long the texts of requests that have ended stay, messages and answers: 30d if left out, or such as 12h; 0 keeps them for ever." default:"30d" placeholder:"TIME"`
	KeepRequests keep `help:"How long requests that have ended stay, with their events and deliveries: 90d if left out." default:"90d" placeholder:"TIME"`
	KeepTries    keep `help:"How long the tries of webhook deliveries stay: 14d if left out." default:"14d" placeholder:"TIME"`
	KeepAudit    keep `help:"How long the audit log stays: 365d if left out." default:"365d" placeholder:"TIME"`
}

func (k keepFlags) retention() bridge.Retention {
	return bridge.Retention{Bodies: time.Duration(k.KeepTexts), Requests: time.Duration(k.KeepRequests), Tries: time.Duration(k.KeepTries), Audit: time.Duration(k.KeepAudit)}
}

// keep is a length of time, in days or in what Go's durations have; 0 is for
// ever.
type keep time.Duration

const (
	day = 24 * time.Hour
	// leastKept is the shortest time: less would take an answer away before its
	// reader has come.
	leastKept = time.Minute
	mostDays  = 36500
)

// UnmarshalText reads 30d, 12h or 0.
func (k *keep) UnmarshalText(text []byte) error {
	s := string(text)
	if s == "0" {
		*k = 0
		return nil
	}
	var d time.Duration
	var err error
	if days, ok := strings.CutSuffix(s, "d"); ok {
		var n int
		n, err = strconv.Atoi(days)
		if err == nil && n > mostDays {
			err = strconv.ErrRange
		}
		d = time.Duration(n) * day
	} else {
		d, err = time.ParseDuration(s)
	}
	if err != nil || d < leastKept {
		return fmt.Errorf("%q is no time to keep something; write one like 30d or 12h, at least 1m, or 0 for ever", s)
	}
	*k = keep(d)
	return nil
}

func (k keep) String() string {
	switch d := time.Duration(k); {
	case d == 0:
		return "for ever"
	case d%day == 0:
		return strconv.Itoa(int(d/day)) + "d"
	default:
		return d.String()
	}
}
