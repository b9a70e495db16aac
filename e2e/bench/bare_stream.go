package main

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"
)

// keepaliveEvery is the contract's beat for streams.
const keepaliveEvery = 15 * time.Second

// zeroHash stands where an event id has the hash of the text, so that the bytes on the wire are as many.
const zeroHash = ".0000000000000000"

// endMessage is the end of a request, as a stream's last event and as a webhook's body.
type endMessage struct {
	Type            string          `json:"type"`
	RequestID       string          `json:"request_id"`
	Status          string          `json:"status"`
	Message         string          `json:"message"`
	Response        string          `json:"response"`
	Error           *string         `json:"error"`
	ErrorCode       *string         `json:"error_code"`
	RetryAfter      *int            `json:"retry_after"`
	PartialResponse *string         `json:"partial_response"`
	MayBeSentAt     time.Time       `json:"may_be_sent_at"`
	ResponseType    string          `json:"response_type"`
	ThinkingTime    string          `json:"thinking_time"`
	ChatID          string          `json:"chat_id"`
	ChatTitle       string          `json:"chat_title"`
	Metadata        json.RawMessage `json:"metadata"`
	CompletedAt     time.Time       `json:"completed_at"`
}

func (r *bareRequest) endJSON(now time.Time) []byte {
	data, err := json.Marshal(endMessage{
		Type: "done", RequestID: r.uuid, Status: "done", Message: r.message, Response: r.answer, MayBeSentAt: now,
		ResponseType: r.responseType, ThinkingTime: r.thinkingTime, ChatID: r.chatID, ChatTitle: r.chatTitle, CompletedAt: now,
	})
	if err != nil {
		panic(err) // strings and times always encode
	}
	return data
}

// bareFrame is the delta that the last reader was given: with many readers at one cursor it is encoded once.
type bareFrame struct {
	from, to int // bytes of the text
	data     []byte
}

func (r *bareRequest) claimed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = "executing"
	r.notify()
}

// append adds a piece of the answer; one that does not follow the text so far is ignored.
func (r *bareRequest) append(offset int, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if offset == r.runes {
		r.text = append(r.text, text...)
		r.runes += utf8.RuneCountInString(text)
		r.notify()
	}
}

func (r *bareRequest) ended() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = "done"
	r.notify()
}

// notify wakes the readers. r.mu is held.
func (r *bareRequest) notify() {
	if r.changed != nil {
		close(r.changed)
		r.changed = nil
	}
}

// bareReader is one stream: what it has been given so far.
type bareReader struct {
	status      string
	sent, runes int // bytes and code points of the text
}

// next appends to buf what the reader lacks and says whether that is the end, else what to wait for.
func (r *bareRequest) next(rd *bareReader, buf []byte) ([]byte, bool, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.status == "done" {
		buf = append(buf, "id: end\ndata: "...)
		buf = append(buf, r.end...)
		return append(buf, "\n\n"...), true, nil
	}
	if rd.status != r.status {
		rd.status = r.status
		buf = strconv.AppendInt(append(buf, "id: "...), int64(rd.runes), 10)
		buf = append(buf, zeroHash...)
		if r.status == "idle" {
			buf = append(buf, "\ndata: {\"type\":\"status\",\"status\":\"idle\",\"waiting\":null}\n\n"...)
		} else {
			buf = append(buf, "\ndata: {\"type\":\"status\",\"status\":\"executing\",\"phase\":\"opening\",\"attempt\":1,\"away\":false}\n\n"...)
		}
	}
	if rd.sent < len(r.text) {
		if r.frame.from != rd.sent || r.frame.to != len(r.text) {
			r.frame = bareFrame{from: rd.sent, to: len(r.text), data: r.delta(rd)}
		}
		buf = append(buf, r.frame.data...)
		rd.sent, rd.runes = len(r.text), r.runes
	}
	if r.changed == nil {
		r.changed = make(chan struct{})
	}
	return buf, false, r.changed
}

// delta encodes what follows the reader's cursor. r.mu is held.
func (r *bareRequest) delta(rd *bareReader) []byte {
	text, err := json.Marshal(string(r.text[rd.sent:]))
	if err != nil {
		panic(err) // a string always encodes
	}
	buf := make([]byte, 0, len(text)+96)
	buf = strconv.AppendInt(append(buf, "id: "...), int64(r.runes), 10)
	buf = append(buf, zeroHash...)
	buf = strconv.AppendInt(append(buf, "\ndata: {\"type\":\"delta\",\"offset\":"...), int64(rd.runes), 10)
	buf = append(append(buf, ",\"text\":"...), text...)
	return append(buf, "}\n\n"...)
}

func (s *bareServer) sse(w http.ResponseWriter, req *http.Request) {
	r := s.hub.get(req.PathValue("id"))
	if r == nil {
		http.Error(w, "no such request", http.StatusNotFound)
		return
	}
	h := w.Header()
	h["Content-Type"] = []string{"text/event-stream"}
	h["Cache-Control"] = []string{"no-cache, no-transform"}
	h["X-Accel-Buffering"] = []string{"no"}
	flush := http.NewResponseController(w)

	buf := make([]byte, 0, 512)
	buf = append(buf, "retry: 3000\ndata: {\"type\": \"connected\", \"request_id\": \""...)
	buf = append(append(buf, r.uuid...), "\"}\n\n"...)
	var rd bareReader
	keepalive := time.NewTimer(keepaliveEvery)
	defer keepalive.Stop()
	for {
		var end bool
		var changed <-chan struct{}
		buf, end, changed = r.next(&rd, buf)
		if len(buf) > 0 {
			if _, err := w.Write(buf); err != nil {
				return
			}
			if end { // net/http flushes, with the last chunk, in one write
				return
			}
			if err := flush.Flush(); err != nil {
				return
			}
			buf = buf[:0]
		}
		select {
		case <-changed:
		case <-keepalive.C:
			buf = append(buf, ": keepalive\n\n"...)
			keepalive.Reset(keepaliveEvery)
		case <-req.Context().Done():
			return
		}
	}
}
