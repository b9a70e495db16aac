package crash

import (
	"hash/fnv"
	"strings"
	"sync"
	"time"

	"chatbridge/protocol"
)

// site is the chat site behind the workers. It goes on answering whatever
// becomes of who asked, and counts how often each request was sent to it.
type site struct {
	book    *book
	mu      sync.Mutex
	pressed map[string]*press
}

type press struct {
	times   int
	at      time.Time
	message string
}

// press sends a message.
func (s *site) press(id, message string) {
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
		s.book.fault("request %s was pressed twice", id)
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
func (s *site) look(id string) page {
	s.mu.Lock()
	p := s.pressed[id]
	s.mu.Unlock()
	if p == nil {
		return page{}
	}
	runes := []rune(answerTo(p.message))
	takes := answerTakes(p.message)
	seen := min(int(time.Since(p.at)*time.Duration(len(runes))/takes), len(runes))
	if torn(p.message) && seen > len(runes)/2 {
		return page{sent: true, text: string(runes[:len(runes)/2]), torn: true}
	}
	return page{sent: true, text: string(runes[:seen]), whole: seen == len(runes)}
}

// twice is how many requests were sent more than once.
func (s *site) twice() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, p := range s.pressed {
		if p.times > 1 {
			n++
		}
	}
	return n
}

func hash(message string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(message))
	return h.Sum64()
}

// answerTo is what the site answers: it follows from the message, so that every
// piece of it can be checked wherever it turns up.
func answerTo(message string) string {
	n := hash(message)
	return strings.Repeat("Ωλ 😀 <b>to "+message+"</b>\n", 1+int(n%7)) + "."
}

// slowly begins a message that the site answers over many seconds, and wholly.
const slowly = "Slowly: "

// answerTakes is how long the answer takes to write.
func answerTakes(message string) time.Duration {
	if strings.HasPrefix(message, slowly) {
		return 15 * time.Second
	}
	return 50*time.Millisecond + time.Duration(hash(message)>>8%500)*time.Millisecond
}

// torn: now and then an answer breaks off.
func torn(message string) bool {
	return hash(message)>>24%25 == 0 && !strings.HasPrefix(message, slowly)
}

// limited: now and then the site refuses before anything is sent.
func limited(ref protocol.Ref, message string) bool {
	return ref.Attempt == 1 && !strings.HasPrefix(message, slowly) && hash(message)>>32%50 == 0
}
