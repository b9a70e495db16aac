package bridge

import (
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
)

// failure is how a request fails.
type failure struct {
	code       FailCode
	message    string
	retryAfter int
	partial    string
}

// fail ends r as failed and owes its deliveries.
func (c *Changes) fail(r *Request, endpoints []*Endpoint, why failure) {
	r.Status = Failed
	r.ErrorCode, r.ErrorMessage, r.RetryAfter = why.code, why.message, why.retryAfter
	if why.partial != "" && r.Body != nil {
		r.HasPartial = true
		r.Body.Partial = cleanText(why.partial)
		c.Bodies = append(c.Bodies, r)
	}
	c.end(r, endpoints)
}

// end stores the end of r, with one delivery for each endpoint that takes it.
func (c *Changes) end(r *Request, endpoints []*Endpoint) {
	r.CompletedAt = c.Now
	c.step(r, EventEnd)
	for _, e := range endpoints {
		if e.Takes(r.Status) {
			c.Deliveries = append(c.Deliveries, &Delivery{
				WebhookID: "msg_" + strings.ReplaceAll(uuid.NewString(), "-", ""), AccountID: r.AccountID, Endpoint: e, Request: r,
				Status: DeliveryPending, NextTryAt: c.Now, CreatedAt: c.Now,
			})
		}
	}
}

// Here is what the node that runs a command knows and the store does not. Its
// functions are called from the store's goroutine and must not block; nil ones
// know nothing.
type Here struct {
	Node    string
	Room    func() bool                   // may first tries of deliveries be claimed here, in the end's own commit
	Partial func(requestID string) string // the live text so far
}

func (h Here) partial(r *Request) string {
	if h.Partial == nil {
		return ""
	}
	return h.Partial(r.ID)
}

// claimFirstTries gives this node the first tries of what was just owed, in the
// same commit, if it has room for them. An endpoint on hold is left to its probe.
func (c *Changes) claimFirstTries(here Here) {
	if len(c.Deliveries) == 0 || here.Room == nil || !here.Room() {
		return
	}
	for _, d := range c.Deliveries {
		if !d.Endpoint.Open() {
			d.ClaimedBy, d.ClaimedUntil = here.Node, c.Now.Add(ClaimLasts)
		}
	}
}

// cleanText makes a worker's text storable: U+0000 becomes U+FFFD.
func cleanText(s string) string { return strings.ReplaceAll(s, "\x00", "\uFFFD") }

// Answer is what a worker says of an answered request.
type Answer struct {
	Response  string
	ChatID    string // the site's; "" if not told
	ChatTitle string
	ModeUsed  string
	Evidence  json.RawMessage
}

// Complete stores a worker's answer: the request is done, its chat is known by
// the site's name, its deliveries are owed. A late answer changes nothing and
// is kept as an event.
type Complete struct {
	From      From
	RequestID string
	Attempt   int // 0 in the guide dialect
	Answer    Answer
	Here      Here
}

// Needs implements [Command].
func (m *Complete) Needs() Needs {
	n := m.From.needs(m.RequestID)
	n.Endpoints, n.Bodies, n.SiteChat = true, true, m.Answer.ChatID
	n.WaitingIn = m.Answer.ChatID != ""
	return n
}

// Decide implements [Command].
func (m *Complete) Decide(f *Facts) (*Changes, error) {
	c := &Changes{Now: f.Now}
	at := m.From.locate(f, m.RequestID, m.Attempt)
	switch at.verdict {
	case ignored:
		return c, nil
	case old:
		c.keepLate(at.request, m.Attempt, m.Answer)
		c.ack(m.From, at, m.RequestID, m.Attempt)
		return c, nil
	}
	r, l := at.request, at.lease
	if l.GoAt.IsZero() {
		c.maySend(r, l)
	}
	if text := cleanText(m.Answer.Response); len(text) > MaxAnswerBytes {
		c.fail(r, f.Endpoints, failure{code: IncompleteAnswer, partial: cut(text, MaxAnswerBytes),
			message: "The answer is larger than 7 MiB, so it was cut. Ask for it in parts."})
	} else {
		r.Status = Done
		r.Body.Response = text
		r.ModeUsed, r.Evidence = m.Answer.ModeUsed, m.Answer.Evidence
		c.Bodies = append(c.Bodies, r)
		c.settleChat(f, r, m.Answer)
		c.end(r, f.Endpoints)
	}
	c.DropLeases = append(c.DropLeases, l)
	if !m.From.Guide {
		c.Signals = append(c.Signals, m.From.signal(SignalAck, m.RequestID, m.Attempt))
	}
	c.claimFirstTries(m.Here)
	return c, nil
}

// keepLate keeps an answer that came after the end (or for an attempt that was
// put back), once an attempt; a repeat of the stored answer is no news, and where
// the texts were cleaned up none comes back.
func (c *Changes) keepLate(r *Request, attempt int, a Answer) {
	if attempt == 0 {
		attempt = r.Attempt
	}
	repeat := r.Status == Done && attempt == r.Attempt && r.Body != nil && r.Body.Response == cleanText(a.Response)
	if repeat || r.Late >= attempt || r.TextsGone {
		return
	}
	r.Late = attempt
	c.touch(r)
	data, _ := json.Marshal(map[string]string{"response": cut(cleanText(a.Response), MaxAnswerBytes)})
	c.Events = append(c.Events, &Event{AccountID: r.AccountID, Request: r, Type: EventLate, At: c.Now, Attempt: attempt, Data: data})
}

// settleChat learns the chat's name from an answer. An answer that names
// another chat of the account moves the request there, and with it what waits
// in a chat that still has no name of the site's. A name nobody has is the
// chat's own, or, where the chat has another already, a new chat's: the site
// went on there.
func (c *Changes) settleChat(f *Facts, r *Request, a Answer) {
	chat := r.Chat
	switch {
	case a.ChatID == "" || a.ChatID == chat.SiteID:
	case f.SiteChat != nil:
		if chat.SiteID == "" {
			for _, w := range f.Waiting {
				w.Chat = f.SiteChat
				c.touch(w)
			}
		}
		chat = f.SiteChat
	case chat.SiteID == "":
		chat.SiteID = a.ChatID
	default:
		chat = &Chat{AccountID: r.AccountID, SiteID: a.ChatID, CreatedAt: c.Now}
	}
	if a.ChatTitle != "" {
		chat.Title = a.ChatTitle
	}
	chat.UpdatedAt = c.Now
	r.Chat = chat
	c.Chats = append(c.Chats, chat)
}

// NameChat fills in the site's name of a request's chat while it has none and
// no other chat of the account has it.
type NameChat struct {
	From      From
	RequestID string
	Attempt   int
	SiteID    string
}

// Needs implements [Command].
func (m *NameChat) Needs() Needs {
	n := m.From.needs(m.RequestID)
	n.SiteChat = m.SiteID
	return n
}

// Decide implements [Command].
func (m *NameChat) Decide(f *Facts) (*Changes, error) {
	c := &Changes{Now: f.Now}
	at := m.From.locate(f, m.RequestID, m.Attempt)
	if at.verdict != mine || at.request.Chat.SiteID != "" || f.SiteChat != nil {
		return c, nil
	}
	at.request.Chat.SiteID = m.SiteID
	c.Chats = append(c.Chats, at.request.Chat)
	return c, nil
}

// cut shortens s to at most n bytes without splitting a code point.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
