package protocol_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"chatbridge/protocol"

	"github.com/google/go-cmp/cmp"
)

const id = "550e8400-e29b-41d4-a716-446655440000"

func ptr[T any](v T) *T { return &v }

var ref = protocol.Ref{RequestID: id, Attempt: 3}

// Every message, as it goes over the wire.
var workerMessages = []struct {
	m    protocol.Message
	wire string
}{
	{protocol.Hello{Key: "k", WorkerID: "w", N: 7, Name: "a", Version: "1", Site: "s", Capacity: 2, ResponseTypes: []string{"auto"},
		Holding: []protocol.Holding{{Ref: ref, Phase: protocol.PhaseEnded}}},
		`{"type":"hello","key":"k","worker_id":"w","n":7,"name":"a","version":"1","site":"s","capacity":2,"response_types":["auto"],"holding":[{"request_id":"ID","attempt":3,"phase":"ended"}]}`},
	{protocol.Ready{Ref: ref}, `{"type":"ready","request_id":"ID","attempt":3}`},
	{protocol.StatusUpdate{Ref: ref, Status: protocol.StatusExecuting, Phase: protocol.PhaseTyping, ChatID: ptr("c")},
		`{"type":"status_update","request_id":"ID","attempt":3,"status":"executing","phase":"typing","chat_id":"c"}`},
	{protocol.Delta{Ref: ref, Offset: 4, Text: "<b>&\n"}, `{"type":"delta","request_id":"ID","attempt":3,"offset":4,"text":"<b>&\n"}`},
	{protocol.Response{Ref: ref, Response: "", ChatID: ptr("c"), ModeUsed: ptr("m"), Evidence: &protocol.Evidence{Source: "stream", Complete: true}},
		`{"type":"response","request_id":"ID","attempt":3,"response":"","chat_id":"c","chat_title":null,"mode_used":"m","evidence":{"source":"stream","complete":true}}`},
	{protocol.Error{Ref: ref, Error: "e", Code: protocol.CodeRateLimited, RetryAfter: ptr(9), PartialResponse: ptr("p")},
		`{"type":"error","request_id":"ID","attempt":3,"error":"e","code":"rate_limited","retry_after":9,"partial_response":"p"}`},
	{protocol.Cancelled{Ref: ref}, `{"type":"cancelled","request_id":"ID","attempt":3}`},
	{protocol.Health{LoggedIn: true, PageOK: true}, `{"type":"health","logged_in":true,"limited_until":null,"page_ok":true}`},
	{protocol.Health{LimitedUntil: ptr(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)), Matched: json.RawMessage(`{"send":1}`)},
		`{"type":"health","logged_in":false,"limited_until":"2026-01-02T03:04:05Z","page_ok":false,"matched":{"send":1}}`},
	{protocol.DoctorReport{ID: "d", Hooks: []protocol.Hook{{Name: "send", Found: true, Alternative: "2"}}},
		`{"type":"doctor","id":"d","hooks":[{"name":"send","found":true,"alternative":"2"}]}`},
	{protocol.Pong{}, `{"type":"pong"}`},
	{protocol.Ping{}, `{"type":"ping"}`},
}

var serverMessages = []struct {
	m    protocol.Message
	wire string
}{
	{protocol.Welcome{WorkerID: "w", Account: "a@b", LeaseSeconds: 60, PingSeconds: 20, Keep: []protocol.Ref{ref}, Drop: []protocol.Ref{}, Pack: json.RawMessage(`{"v":1}`)},
		`{"type":"welcome","worker_id":"w","account":"a@b","lease_seconds":60,"ping_seconds":20,"keep":[{"request_id":"ID","attempt":3}],"drop":[],"pack":{"v":1}}`},
	{protocol.Bye{Code: protocol.ByeBadKey, Reason: "r"}, `{"type":"bye","code":"bad_key","reason":"r"}`},
	{protocol.NewRequest{Ref: ref, Message: "m", ResponseType: "auto", ThinkingTime: "standard", ChatDBID: 5},
		`{"type":"new_request","request_id":"ID","attempt":3,"message":"m","response_type":"auto","thinking_time":"standard","chat_id":null,"chat_db_id":5,"temporary":false}`},
	{protocol.Go{Ref: ref}, `{"type":"go","request_id":"ID","attempt":3}`},
	{protocol.Cancel{Ref: ref}, `{"type":"cancel","request_id":"ID","attempt":3}`},
	{protocol.Ack{Ref: ref}, `{"type":"ack","request_id":"ID","attempt":3}`},
	{protocol.Resync{Ref: ref}, `{"type":"resync","request_id":"ID","attempt":3}`},
	{protocol.Ping{}, `{"type":"ping"}`},
	{protocol.Pack{Pack: json.RawMessage(`{}`)}, `{"type":"pack","pack":{}}`},
	{protocol.Doctor{ID: "d"}, `{"type":"doctor","id":"d"}`},
}

func TestRoundTrip(t *testing.T) {
	check := func(m protocol.Message, wire string, decode func([]byte) (protocol.Message, error)) {
		t.Helper()
		wire = strings.ReplaceAll(wire, "ID", id)
		got, err := protocol.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != wire {
			t.Errorf("encoded\n %s\nwant\n %s", got, wire)
		}
		back, err := decode([]byte(strings.ReplaceAll(wire, id, strings.ToUpper(id))))
		if err != nil {
			t.Fatalf("decode %s: %v", wire, err)
		}
		if d := cmp.Diff(m, back); d != "" {
			t.Errorf("%s came back changed (ids are compared in lower case):\n%s", wire, d)
		}
	}
	for _, c := range workerMessages {
		check(c.m, c.wire, protocol.DecodeWorker)
	}
	for _, c := range serverMessages {
		check(c.m, c.wire, protocol.DecodeServer)
	}
}

func TestEncodeWritesEmptyListsNotNull(t *testing.T) {
	for m, want := range map[string]protocol.Message{
		`"keep":[],"drop":[],"pack":null`: protocol.Welcome{},
		`"holding":[]`:                    protocol.Hello{},
	} {
		got, err := protocol.Encode(want)
		if err != nil || !strings.Contains(string(got), m) {
			t.Errorf("%s, %v: want %s in it", got, err, m)
		}
	}
	if _, err := protocol.Encode(protocol.Unknown{}); err == nil {
		t.Error("an Unknown was encoded")
	}
}

func TestGuideNewRequestHasExactlyTheGuidesFields(t *testing.T) {
	got, err := protocol.Encode(protocol.GuideNewRequest{RequestID: id, Message: "Hello", ResponseType: "auto", ThinkingTime: "standard", ChatDBID: 1})
	want := `{"type":"new_request","request_id":"` + id + `","message":"Hello","response_type":"auto","thinking_time":"standard","chat_id":null,"chat_db_id":1}`
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestDecodeWorker(t *testing.T) {
	head := `"request_id":"` + id + `","attempt":3`
	unknown := func(kind, reason string) protocol.Unknown {
		return protocol.Unknown{WireType: kind, Reason: reason}
	}
	long := strings.Repeat("é", protocol.MaxIDBytes) // two bytes each
	cases := map[string]struct {
		in   string
		want protocol.Message
		err  error
	}{
		"empty":                    {``, nil, protocol.ErrNotObject},
		"not JSON":                 {`hello`, nil, protocol.ErrNotObject},
		"an array":                 {`[{"type":"pong"}]`, nil, protocol.ErrNotObject},
		"null":                     {`null`, nil, protocol.ErrNotObject},
		"cut off":                  {`{"type":"pong"`, nil, protocol.ErrNotObject},
		"two values":               {`{"type":"pong"}{}`, nil, protocol.ErrNotObject},
		"space around":             {" {\"type\":\"pong\"}\r\n", protocol.Pong{}, nil},
		"no type":                  {`{}`, unknown("", "unknown type"), nil},
		"type is a number":         {`{"type":1}`, unknown("", "unknown type"), nil},
		"unknown type":             {`{"type":"new_thing","request_id":"x"}`, unknown("new_thing", "unknown type"), nil},
		"long type":                {`{"type":"` + strings.Repeat("x", 99) + `"}`, unknown(strings.Repeat("x", 63), "unknown type"), nil},
		"unknown field":            {`{"type":"ready",` + head + `,"x":[1]}`, protocol.Ready{Ref: ref}, nil},
		"no request_id":            {`{"type":"ready","attempt":3}`, unknown("ready", "without request_id"), nil},
		"request_id is a number":   {`{"type":"ready","request_id":1,"attempt":3}`, unknown("ready", "without request_id"), nil},
		"no attempt":               {`{"type":"response","request_id":"x","response":"r"}`, unknown("response", "without attempt"), nil},
		"attempt 0":                {`{"type":"ready","request_id":"x","attempt":0}`, unknown("ready", "without attempt"), nil},
		"delta without offset":     {`{"type":"delta",` + head + `,"text":"t"}`, unknown("delta", "without offset"), nil},
		"delta with a null offset": {`{"type":"delta",` + head + `,"text":"t","offset":null}`, unknown("delta", "without offset"), nil},
		"delta with text offset":   {`{"type":"delta",` + head + `,"text":"t","offset":"0"}`, unknown("delta", "without offset"), nil},
		"delta before the start":   {`{"type":"delta",` + head + `,"text":"t","offset":-1}`, unknown("delta", "without offset"), nil},
		"delta without text":       {`{"type":"delta",` + head + `,"offset":0}`, unknown("delta", "without text"), nil},
		"NUL in a delta":           {`{"type":"delta",` + head + `,"text":"a\u0000b\\u0000","offset":0}`, protocol.Delta{Ref: ref, Text: "a\ufffdb\\u0000"}, nil},
		"half a surrogate pair":    {`{"type":"delta",` + head + `,"text":"\ud83d","offset":0}`, protocol.Delta{Ref: ref, Text: "\ufffd"}, nil},
		"null response":            {`{"type":"response",` + head + `,"response":null}`, unknown("response", "without response"), nil},
		"odd evidence":             {`{"type":"response",` + head + `,"response":"r\u0000","evidence":5,"mode_used":{},"chat_title":"t"}`, protocol.Response{Ref: ref, Response: "r\ufffd", ChatTitle: ptr("t"), Evidence: nil}, nil},
		"chat id too long":         {`{"type":"response",` + head + `,"response":"r","chat_id":"` + long + `"}`, protocol.Response{Ref: ref, Response: "r"}, nil},
		"empty chat id":            {`{"type":"status_update",` + head + `,"status":"executing","chat_id":""}`, protocol.StatusUpdate{Ref: ref, Status: "executing"}, nil},
		"error of few words":       {`{"type":"error",` + head + `,"retry_after":-1}`, protocol.Error{Ref: ref}, nil},
		"half a health":            {`{"type":"health","logged_in":true}`, unknown("health", "without page_ok"), nil},
		"hello without worker_id":  {`{"type":"hello","key":"k","n":1}`, nil, protocol.ErrBadHello},
		"hello with a text n":      {`{"type":"hello","worker_id":"w","n":"1"}`, nil, protocol.ErrBadHello},
		"hello, negative capacity": {`{"type":"hello","worker_id":"w","n":1,"capacity":-1}`, nil, protocol.ErrBadHello},
		"hello, capacity too big":  {`{"type":"hello","worker_id":"w","n":1,"capacity":1001}`, nil, protocol.ErrBadHello},
		"hello, odd phase":         {`{"type":"hello","worker_id":"w","n":1,"holding":[{"request_id":"x","attempt":1,"phase":"?"}]}`, nil, protocol.ErrBadHello},
		"hello, attempt left out":  {`{"type":"hello","worker_id":"w","n":1,"holding":[{"request_id":"x","phase":"opening"}]}`, nil, protocol.ErrBadHello},
		"hello of few words":       {`{"type":"hello","worker_id":"w","name":"` + long + `"}`, protocol.Hello{WorkerID: "w", Capacity: 1, Name: long[:protocol.MaxIDBytes]}, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := protocol.DecodeWorker([]byte(c.in))
			if !errors.Is(err, c.err) {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
	if m, _ := protocol.DecodeWorker([]byte(`{"type":"health","logged_in":true,"page_ok":true,"limited_until":"soon"}`)); m.(protocol.Unknown).Reason == "" {
		t.Error("a health that cannot be read whole was taken")
	}
}

func TestDecodeGuide(t *testing.T) {
	cases := map[string]protocol.Message{
		`{"type":"status_update","request_id":"X","status":"executing"}`:                                 protocol.StatusUpdate{Ref: protocol.Ref{RequestID: "x"}, Status: "executing"},
		`{"type":"response","request_id":"X","attempt":2,"response":"r","chat_id":"c","chat_title":"t"}`: protocol.Response{Ref: protocol.Ref{RequestID: "x"}, Response: "r", ChatID: ptr("c"), ChatTitle: ptr("t")},
		`{"type":"error","request_id":"X","error":"e"}`:                                                  protocol.Error{Ref: protocol.Ref{RequestID: "x"}, Error: "e"},
		`{"type":"response","request_id":"X"}`:                                                           protocol.Unknown{WireType: "response", Reason: "without response"},
		`{"type":"error","error":"e"}`:                                                                   protocol.Unknown{WireType: "error", Reason: "without request_id"},
		`{"type":"ready","request_id":"X","attempt":1}`:                                                  protocol.Unknown{WireType: "ready", Reason: "unknown type"},
		`[]`: protocol.Unknown{Reason: protocol.ErrNotObject.Error()},
	}
	for in, want := range cases {
		if d := cmp.Diff(want, protocol.DecodeGuide([]byte(in))); d != "" {
			t.Errorf("%s:\n%s", in, d)
		}
	}
}

func TestDecodeServerIgnoresWhatItCannotUse(t *testing.T) {
	for in, want := range map[string]protocol.Message{
		`{"type":"new_request","request_id":"x","attempt":1}`: protocol.Unknown{WireType: "new_request", Reason: "without message"},
		`{"type":"go","request_id":"x"}`:                      protocol.Unknown{WireType: "go", Reason: "without attempt"},
		`{"type":"later"}`:                                    protocol.Unknown{WireType: "later", Reason: "unknown type"},
		`{"type":"bye"}`:                                      protocol.Bye{},
	} {
		got, err := protocol.DecodeServer([]byte(in))
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%s: %v\n%s", in, err, d)
		}
	}
	if _, err := protocol.DecodeServer([]byte(`7`)); !errors.Is(err, protocol.ErrNotObject) {
		t.Errorf("7: %v", err)
	}
}

func TestHelloHidesItsKey(t *testing.T) {
	h := protocol.Hello{Key: "secret-key", WorkerID: "w"}
	var b strings.Builder
	slog.New(slog.NewJSONHandler(&b, nil)).Info("hello", "hello", h)
	fmt.Fprintf(&b, "%v %+v %#v %s", h, h, h, h)
	if strings.Contains(b.String(), "secret") {
		t.Errorf("the key shows: %s", b.String())
	}
}

func FuzzDecode(f *testing.F) {
	for _, c := range workerMessages {
		f.Add([]byte(strings.ReplaceAll(c.wire, "ID", id)))
	}
	for _, c := range serverMessages {
		f.Add([]byte(strings.ReplaceAll(c.wire, "ID", id)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		protocol.DecodeGuide(data)
		for _, decode := range []func([]byte) (protocol.Message, error){protocol.DecodeWorker, protocol.DecodeServer} {
			m, err := decode(data)
			if (m == nil) == (err == nil) {
				t.Fatalf("message %v and error %v", m, err)
			}
			if a, ok := m.(protocol.AttemptMessage); ok && (a.Of().RequestID == "" || a.Of().Attempt < 1) {
				t.Fatalf("%T without its attempt: %v", m, a.Of())
			}
			if _, unknown := m.(protocol.Unknown); err != nil || unknown {
				continue
			}
			wire, err := protocol.Encode(m)
			if err != nil {
				t.Fatalf("encode %#v: %v", m, err)
			}
			back, err := decode(wire)
			if err != nil {
				t.Fatalf("decode %s: %v", wire, err)
			}
			if again, err := protocol.Encode(back); err != nil || !reflect.DeepEqual(wire, again) {
				t.Fatalf("not stable (%v):\n%s\n%s", err, wire, again)
			}
		}
	})
}
