package protocol

import (
	"encoding/json"
	"errors"
	"fmt"
)

var (
	// ErrNotObject is returned for what is not one JSON object. The server says
	// bye with ByeBadMessage.
	ErrNotObject = errors.New("the message is not a JSON object")
	// ErrBadHello is returned for a hello that lacks what it needs. The server
	// says bye with ByeBadHello; the wrapping error says what is missing.
	ErrBadHello = errors.New("the hello is not usable")
)

// DecodeWorker reads what a v1 worker sent. Strings come without U+0000 (made
// U+FFFD: no store takes it), names and notes cut to their limits, answers
// whole. A field that is not needed and has the wrong type counts as left out:
// an answer is never lost over its evidence.
//
// It returns ErrNotObject, ErrBadHello, or a Message, which is Unknown where it
// is to be ignored.
func DecodeWorker(data []byte) (Message, error) {
	if m, ok := quickly(data); ok {
		return m, nil
	}
	return decodeCarefully(data)
}

func decodeCarefully(data []byte) (Message, error) {
	h, err := readHead(data)
	if err != nil {
		return nil, err
	}
	switch h.Kind.start {
	case TypeHello:
		var m Hello
		if err := json.Unmarshal(data, &m); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrBadHello, err)
		}
		if err := m.check(); err != nil {
			return nil, err
		}
		return m, nil
	case TypeReady:
		return aboutAttempt[Ready](data, h), nil
	case TypeStatusUpdate:
		return aboutAttempt[StatusUpdate](data, h), nil
	case TypeDelta:
		return aboutAttempt[Delta](data, h, need("offset", h.Offset.ok), need("text", h.Text.ok)), nil
	case TypeResponse:
		return aboutAttempt[Response](data, h, need("response", h.Response.ok)), nil
	case TypeError:
		return aboutAttempt[Error](data, h), nil
	case TypeCancelled:
		return aboutAttempt[Cancelled](data, h), nil
	case TypeHealth: // half of a health would pause a worker, or wake it wrongly
		return strict[Health](data, h, need("logged_in", h.LoggedIn.ok), need("page_ok", h.PageOK.ok)), nil
	case TypeDoctor:
		return lenient[DoctorReport](data, h), nil
	case TypePong:
		return Pong{}, nil
	case TypePing:
		return Ping{}, nil
	}
	return h.unknown("unknown type"), nil
}

// DecodeGuide reads what a worker of the guide's dialect sent: StatusUpdate,
// Response or Error, with attempt 0, and Unknown for everything else, also for
// what is not a JSON object, since that dialect has no bye.
func DecodeGuide(data []byte) Message {
	h, err := readHead(data)
	if err != nil {
		return Unknown{Reason: err.Error()}
	}
	id := need("request_id", h.RequestID.ok && h.RequestID.start != "")
	var m Message = h.unknown("unknown type")
	switch h.Kind.start {
	case TypeStatusUpdate:
		m = lenient[StatusUpdate](data, h, id)
	case TypeResponse:
		m = lenient[Response](data, h, id, need("response", h.Response.ok))
	case TypeError:
		m = lenient[Error](data, h, id)
	}
	switch v := m.(type) { // an attempt that is named all the same means nothing
	case StatusUpdate:
		v.Attempt = 0
		return v
	case Response:
		v.Attempt = 0
		return v
	case Error:
		v.Attempt = 0
		return v
	}
	return m
}

// DecodeServer reads what the server sent to a v1 worker. It returns
// ErrNotObject, or a Message, which is Unknown where it is to be ignored.
func DecodeServer(data []byte) (Message, error) {
	h, err := readHead(data)
	if err != nil {
		return nil, err
	}
	switch h.Kind.start {
	case TypeWelcome:
		return lenient[Welcome](data, h), nil
	case TypeBye:
		return lenient[Bye](data, h), nil
	case TypeNewRequest:
		return aboutAttempt[NewRequest](data, h, need("message", h.Message.ok)), nil
	case TypeGo:
		return aboutAttempt[Go](data, h), nil
	case TypeCancel:
		return aboutAttempt[Cancel](data, h), nil
	case TypeAck:
		return aboutAttempt[Ack](data, h), nil
	case TypeResync:
		return aboutAttempt[Resync](data, h), nil
	case TypePing:
		return Ping{}, nil
	case TypePack:
		return lenient[Pack](data, h), nil
	case TypeDoctor:
		return lenient[Doctor](data, h), nil
	}
	return h.unknown("unknown type"), nil
}
