package sim

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"chatbridge/protocol"
)

// site is the chat site: it counts what is pressed, and answers, is slow or
// refuses. It knows nothing of chatbridge.
type site struct {
	s     *sim
	dice  dice
	pages map[string]*page // by request id: what came of its press
	chats []string         // that it has given

	mu   sync.Mutex
	said map[string]map[string]bool // by request: the texts that its worker may have shown
}

// page is what a worker sees after a press: the answer as it grows.
type page struct {
	request string
	presses int
	chat    string
	begun   time.Time
	ends    time.Time
	frames  []frame
	code    protocol.ErrorCode // "" if the answer became whole
	retry   int
	stopped bool
}

// frame is the text that is seen from a time on.
type frame struct {
	at   time.Time
	text string
}

func newSite(s *sim) *site {
	return &site{s: s, dice: s.rand("site"), pages: map[string]*page{}, said: map[string]map[string]bool{}}
}

// press sends a prompt in a chat, "" a new one. This is what must never happen
// twice.
func (x *site) press(r *record, chat string) *page {
	x.s.logf(r.label, "PRESSED in chat %q", chat)
	if p := x.pages[r.id]; p != nil {
		p.presses++
		x.s.failf("pressed once", r.label, "the prompt was pressed %d times", p.presses)
		return p
	}
	d := x.dice
	p := &page{request: r.id, presses: 1, begun: time.Now(), chat: x.chatFor(chat)}
	x.pages[r.id] = p
	length := d.seldom(0.15, 500*time.Millisecond, 20*time.Second, 20*time.Second, 3*time.Minute)
	if d.chance(0.05) && x.s.faults(slowSite) {
		length = d.between(3*time.Minute, 20*time.Minute)
	}
	if x.s.calm {
		length = d.between(time.Second, 20*time.Second)
	}
	if x.s.faults(refusals) && d.chance(0.2) {
		p.code = pick(d, []protocol.ErrorCode{protocol.CodeRateLimited, protocol.CodeTooLong, protocol.CodeModeUnavailable, protocol.CodeChallenge, protocol.CodeIncompleteAnswer, protocol.CodeWorkerError})
		p.retry = d.IntN(3) * 60
	}
	p.ends = p.begun.Add(length)
	p.grow(d, x.answer(r), length)
	return p
}

// chatFor says in which chat the site goes on: rarely in another one.
func (x *site) chatFor(chat string) string {
	d := x.dice
	wander := x.s.faults(wanderingChats)
	switch {
	case wander && len(x.chats) > 0 && d.chance(0.1):
		return pick(d, x.chats)
	case chat == "" || wander && d.chance(0.05):
		chat = fmt.Sprintf("site-%d", len(x.chats)+1)
		x.chats = append(x.chats, chat)
	}
	return chat
}

// words are of one to four bytes a code point, with what JSON and the store
// find hard.
var words = []string{"Paris ", "naïve ", "東京 ", "👩‍🚀 ", "\"q\" ", "a\\b ", "\n", "<b> ", "𝔘𝔫𝔦 ", "é", "\x00 ", "ok "}

func (x *site) answer(r *record) string {
	var b strings.Builder
	fmt.Fprintf(&b, "answer to %s: ", r.label)
	for range 3 + x.dice.IntN(20) {
		b.WriteString(pick(x.dice, words))
	}
	return b.String()
}

// grow makes the frames: beginnings of the answer, some with a tail that is
// taken back again.
func (p *page) grow(d dice, answer string, length time.Duration) {
	runes := []rune(answer)
	steps := 2 + d.IntN(8)
	for i := range steps {
		text := string(runes[:len(runes)*i/steps])
		if d.chance(0.2) {
			text += "▌…"
		}
		p.frames = append(p.frames, frame{p.begun.Add(length * time.Duration(i+1) / time.Duration(steps+2)), text})
	}
	if p.code == "" {
		p.frames = append(p.frames, frame{p.ends, answer})
	}
}

// visible is the text on the page now.
func (p *page) visible() (text string) {
	for _, f := range p.frames {
		if f.at.After(time.Now()) {
			break
		}
		text = f.text
	}
	return text
}

func (p *page) running() bool { return p != nil && !p.stopped && time.Now().Before(p.ends) }

// stop ends an answer that runs: the page shows what it shows.
func (p *page) stop() {
	if !p.running() {
		return
	}
	p.stopped = true
	p.frames = []frame{{p.begun, p.visible()}}
}

// truth is the whole answer as it must arrive, if there is one.
func (p *page) truth() (string, bool) {
	if p == nil || p.code != "" || p.stopped {
		return "", false
	}
	return storable(p.frames[len(p.frames)-1].text), true
}

// busy reports whether an answer runs in a chat.
func (x *site) busy(chat string) bool {
	if chat == "" {
		return false
	}
	for _, p := range x.pages {
		if p.chat == chat && p.running() {
			return true
		}
	}
	return false
}

// allow notes a text that readers of a request may have from now on.
func (x *site) allow(request, text string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.said[request] == nil {
		x.said[request] = map[string]bool{"": true}
	}
	x.said[request][storable(text)] = true
}

func (x *site) allowed(request, text string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return text == "" || x.said[request][text]
}

// storable is a text as the server keeps it.
func storable(s string) string { return strings.ReplaceAll(s, "\x00", "\uFFFD") }
