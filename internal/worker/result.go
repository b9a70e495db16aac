package worker

import (
	"errors"
	"math"
	"time"

	"chatbridge/protocol"
)

// errTooLong ends an answer that no message could carry.
var errTooLong = &Failure{Code: protocol.CodeIncompleteAnswer, Sentence: "The answer is longer than 7 MiB and was cut off. Ask for it in parts."}

// finish keeps what the backend returned and sends it.
func (w *Worker) finish(a *attempt) {
	answer, err, _ := a.text.outcome()
	switch {
	case err != nil:
		w.fail(a, err)
	case answer.Text == "":
		w.fail(a, &Failure{Code: protocol.CodeIncompleteAnswer, Sentence: "The answer came without any text. Look at the chat, or send the message again."})
	case len(answer.Text) > protocol.MaxAnswerBytes:
		w.fail(a, errTooLong)
	default:
		m := protocol.Response{
			Ref: a.Request.Ref, Response: answer.Text,
			ChatID: orNil(answer.ChatID), ChatTitle: orNil(answer.ChatTitle), ModeUsed: orNil(answer.ModeUsed),
			Evidence: answer.Evidence,
		}
		data, err := protocol.Encode(m)
		if err != nil || len(data) > protocol.MaxMessageBytes {
			w.fail(a, errTooLong) // within 7 MiB, but not with its escapes
			return
		}
		w.conclude(a, data)
	}
}

func orNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// fail is finish for what ended without an answer; what had arrived goes along.
func (w *Worker) fail(a *attempt, err error) {
	f := &Failure{Code: protocol.CodeWorkerError, Sentence: "The worker failed: " + err.Error() + ". Its log may say more."}
	errors.As(err, &f)
	m := protocol.Error{Ref: a.Request.Ref, Error: f.Sentence, Code: f.Code}
	if f.RetryAfter > 0 {
		seconds := int(math.Ceil(f.RetryAfter.Seconds()))
		m.RetryAfter = &seconds
	}
	partial := a.text.from(0, protocol.MaxAnswerBytes)
	if partial == "" {
		partial = a.Partial
	}
	for {
		m.PartialResponse = orNil(partial)
		data, err := protocol.Encode(m)
		if err == nil && len(data) > protocol.MaxMessageBytes {
			partial = head(partial, len(partial)/2) // escapes made it too long
			continue
		}
		if err != nil { // our own structs always encode
			w.log.Error("worker: error not told", "request_id", a.Request.RequestID, "error", err)
			return
		}
		w.log.Info("worker: request failed", "request_id", a.Request.RequestID, "attempt", a.Request.Attempt, "code", f.Code, "error", f.Sentence)
		w.conclude(a, data)
		break
	}
	if f.Code.Pauses() && f.Code != protocol.CodeRateLimited {
		w.checkHealth(checkEvery)
	}
}

// storageFailed ends an attempt that must not be sent, since what has to be
// written down before cannot be.
func (w *Worker) storageFailed(a *attempt, err error) {
	w.log.Error("worker: storage failed", "request_id", a.Request.RequestID, "error", err)
	w.fail(a, &Failure{Code: protocol.CodeWorkerError, Sentence: "The worker could not write to its state folder, so the message was not sent. Look at its disk, then send the message again."})
}

// conclude keeps a response or error as it is sent, and sends it until its ack.
func (w *Worker) conclude(a *attempt, data []byte) {
	a.Result, a.Partial, a.readyAt = data, "", time.Time{}
	if err := w.keep(a); err != nil {
		// It is still sent, and again after each reconnect of this process.
		w.log.Error("worker: result not kept", "request_id", a.Request.RequestID, "error", err)
	}
	w.sendResult(a)
}

func (w *Worker) sendResult(a *attempt) {
	if w.link != nil && !w.link.welcomed.IsZero() {
		w.writeRaw(w.link, a.Result)
	}
}
