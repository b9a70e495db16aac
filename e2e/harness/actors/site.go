package actors

import (
	"strings"
	"sync"
	"time"

	"chatbridge/protocol"
)

// Site is the chat site behind the workers. It goes on answering whatever
// becomes of who asked, and counts how often each request was sent to it.
type Site struct {
	book    *Book
	quick   bool
	mu      sync.Mutex
	pressed map[string]*press
}

type press struct {
	times   int
	at      time.Time
	message string
}

// press sends a message.
func (s *Site) press(id, message string) {
	s.mu.Lock()
	p := s.pressed[id]
	if p == nil {
		p = &press{at: time.Now(), message: message}
		s.pressed[id] = p
	}
	p.times++
	twice := p.times > 1
	s.mu.Unlock()
	if twice {
		s.book.Fault("request %s was pressed twice", id)
	}
}

// page is what the site's page shows of a request.
type page struct {
	sent  bool
	text  string
	whole bool // the answer is complete
	torn  bool // it broke off and will never be
}

// look shows the page as it is now.
func (s *Site) look(id string) page {
	s.mu.Lock()
	p := s.pressed[id]
	s.mu.Unlock()
	if p == nil {
		return page{}
	}
	runes := []rune(AnswerTo(p.message))
	takes := answerTakes(p.message)
	if s.quick {
		takes /= 5
	}
	seen := min(int(time.Since(p.at)*time.Duration(len(runes))/takes), len(runes))
	if torn(p.message) && seen > len(runes)/2 {
		return page{sent: true, text: string(runes[:len(runes)/2]), torn: true}
	}
	return page{sent: true, text: string(runes[:seen]), whole: seen == len(runes)}
}

// Twice are the requests that were sent more than once.
func (s *Site) Twice() (ids []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, p := range s.pressed {
		if p.times > 1 {
			ids = append(ids, id)
		}
	}
	return ids
}

// AnswerTo is what the site answers: it follows from the message, so that every
// piece of it can be checked wherever it turns up.
func AnswerTo(message string) string {
	n := DigestOf(message)
	return strings.Repeat("Ωλ 😀 <b>to "+message+"</b>\n", 1+int(n%7)) + "."
}

// Slowly begins a message that the site answers over many seconds, and wholly.
const Slowly = "Slowly: "

// answerTakes is how long the answer takes to write.
func answerTakes(message string) time.Duration {
	if strings.HasPrefix(message, Slowly) {
		return 15 * time.Second
	}
	return 50*time.Millisecond + time.Duration(DigestOf(message)>>8%500)*time.Millisecond
}

// torn: now and then an answer breaks off.
func torn(message string) bool {
	return DigestOf(message)>>24%25 == 0 && !strings.HasPrefix(message, Slowly)
}

// limited: now and then the site refuses before anything is sent.
func limited(ref protocol.Ref, message string) bool {
	return ref.Attempt == 1 && !strings.HasPrefix(message, Slowly) && DigestOf(message)>>32%50 == 0
}
