package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"chatbridge/internal/bridge"
	"chatbridge/internal/wire"
)

const (
	// recordTries and recordWait: a store that cannot write for a moment must
	// not make a delivered webhook be sent again. Together they stay below the
	// rest of a claim.
	recordTries = 5
	recordWait  = time.Second
)

// try makes one try of a delivery and stores it; answered is called in between,
// once, with the HTTP status (0 if there was none). A try that our own stop broke off is not stored: its claim lapses and
// it costs no place in the schedule.
func (l *Loop) try(ctx context.Context, d *bridge.Delivery, t *text, answered func(status int)) {
	try, ok := l.send(ctx, d, t)
	answered(try.Status)
	if !ok || try.Status == 0 && ctx.Err() != nil {
		return
	}
	wait, more := Next(d.Step, l.opt.Rand(), try.RetryAfter)
	record := &bridge.RecordTry{DeliveryID: d.ID, Node: l.opt.Node, Try: try, Wait: wait, More: more}
	if err := l.record(ctx, record); err != nil {
		l.log(slog.LevelError, "webhook: the outcome of a try is not stored; it may be sent again", d, &try, slog.Any("error", err))
		return
	}
	switch after := record.Delivery; {
	case after == nil || try.Error == "":
		l.log(slog.LevelDebug, "webhook delivered", d, &try)
	case after.Status == bridge.DeliveryDead:
		l.log(slog.LevelWarn, "webhook given up", d, &try, slog.String("reason", try.Error))
	default:
		l.log(slog.LevelInfo, "webhook not taken", d, &try, slog.String("reason", try.Error), slog.Time("next", after.NextTryAt))
	}
}

// send makes one try of a delivery; not ok: there was nothing to send.
func (l *Loop) send(ctx context.Context, d *bridge.Delivery, t *text) (try bridge.Try, ok bool) {
	l.records.underway.Add(1)
	defer l.records.underway.Add(-1)
	body, err := l.body(ctx, d, t)
	if err != nil {
		l.opt.Log.Error("webhook not tried; it stays owed", "delivery", d.ID, "error", err)
		return try, false
	}
	e := d.Endpoint
	return l.opt.Client.Send(ctx, Message{URL: e.URL, ID: d.WebhookID, Secrets: e.Secrets(time.Now()), Headers: e.Headers, Body: body}), true
}

// log writes what came of a try.
func (l *Loop) log(level slog.Level, message string, d *bridge.Delivery, try *bridge.Try, more ...slog.Attr) {
	if ctx := context.Background(); l.opt.Log.Enabled(ctx, level) {
		l.opt.Log.LogAttrs(ctx, level, message, append(more, slog.String("request_id", d.Request.ID), slog.Int64("account", d.AccountID),
			slog.Int64("endpoint", d.Endpoint.ID), slog.Int64("delivery", d.ID), slog.Int("status", try.Status), slog.Duration("duration", try.Duration))...)
	}
}

// text is what the end of a request sends: the same bytes to each of its
// endpoints.
type text struct {
	of    *bridge.Request
	once  sync.Once
	bytes []byte
}

func (t *text) encoded() []byte {
	t.once.Do(func() { t.bytes = wire.EndBody(t.of) })
	return t.bytes
}

// body is what is sent: of a request whose texts were not kept, they are read
// now.
func (l *Loop) body(ctx context.Context, d *bridge.Delivery, t *text) ([]byte, error) {
	if t != nil {
		return t.encoded(), nil
	}
	r, err := l.opt.Store.Request(ctx, d.Request.ID)
	if err != nil {
		return nil, fmt.Errorf("reading the request of a delivery: %w", err)
	}
	if r == nil || r.Body == nil {
		return nil, errors.New("the request of a delivery is gone")
	}
	return wire.EndBody(r), nil
}

// record stores a try, and tries again while the store is unavailable, but not
// beyond ctx.
func (l *Loop) record(ctx context.Context, cmd *bridge.RecordTry) error {
	for n := 1; ; n++ {
		err := l.records.do(cmd, cmd.Try.Error != "") // a try that was made is stored, whatever ends
		if err == nil || n == recordTries || ctx.Err() != nil || bridge.AsError(err).Kind != bridge.Unavailable {
			return err
		}
		time.Sleep(recordWait)
	}
}
