package actors

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"chatbridge/protocol"
)

// unheard is how long before a socket's end an answer may have been sent and
// still be said again on the next: nothing in the guide's dialect is acked.
const unheard = 300 * time.Millisecond

// Where a worker of the guide's dialect dies, beside its random times.
const (
	GuideCutAfterPress  = "guide sockets cut after the hand-over"
	GuideCutAfterAnswer = "guide sockets cut after the answer"
)

// Guide runs a worker of the guide's dialect until the test ends. It presses
// send as soon as it is told to. Now and then its page is loaded anew, and
// forgets everything.
func (w *World) Guide(a Account) {
	dice := w.Dice()
	w.wg.Go(func() { // the cleanup waits for it
		asked := map[string]protocol.GuideNewRequest{}
		said := map[string]time.Time{}
		for w.Ctx.Err() == nil {
			life := Between(dice, 2*time.Second, 8*time.Second)
			if w.guideSocket(a, asked, said, life, dice) {
				w.Book.Tick("guide workers killed")
				clear(asked)
			}
			for id, at := range said {
				if time.Since(at) > unheard {
					delete(asked, id)
				}
			}
			clear(said)
			Sleep(w.Ctx, Between(dice, time.Millisecond, 100*time.Millisecond))
		}
	})
}

// guideSocket is one connection; it reports whether the worker has died.
func (w *World) guideSocket(a Account, asked map[string]protocol.GuideNewRequest, said map[string]time.Time, life time.Duration, dice *rand.Rand) bool {
	s, err := w.dial("?"+protocol.KeyParameter+"="+a.Key, decodeGuide)
	if err != nil {
		return false
	}
	defer s.cut()
	dies := time.After(life)
	looks := time.NewTicker(look)
	defer looks.Stop()
	for {
		select {
		case <-w.Ctx.Done():
			return false
		case <-dies:
			return true
		case m, ok := <-s.in:
			if !ok {
				return false
			}
			r := m.(protocol.GuideNewRequest)
			w.Book.HandedToGuide(r.RequestID)
			w.Site.press(r.RequestID, r.Message)
			asked[r.RequestID] = r
			if dice.IntN(fatal) == 0 {
				w.Book.Tick(GuideCutAfterPress)
				return false // the page lives on, and answers on its next socket
			}
			s.write([]byte(`{"type":"status_update","request_id":"` + r.RequestID + `","status":"executing"}`))
		case <-looks.C:
			for id, r := range asked {
				if _, told := said[id]; told {
					continue
				}
				var words map[string]string
				switch p := w.Site.look(id); {
				case p.torn:
					words = map[string]string{"type": "error", "request_id": id, "error": "The answer broke off."}
				case p.whole:
					words = map[string]string{"type": "response", "request_id": id, "response": p.text, "chat_title": "A chat",
						"chat_id": chatOf(protocol.NewRequest{Ref: protocol.Ref{RequestID: id}, ChatID: r.ChatID})}
				default:
					continue
				}
				data, _ := json.Marshal(words)
				if !s.write(data) {
					return false
				}
				said[id] = time.Now()
				if words["type"] == "response" {
					w.Book.Mu.Lock()
					w.Book.Said++
					w.Book.Mu.Unlock()
				}
				if dice.IntN(fatal) == 0 {
					w.Book.Tick(GuideCutAfterAnswer)
					return false // it says it again on its next socket
				}
			}
		}
	}
}

// decodeGuide takes what the guide's server says: new_request and nothing else.
func decodeGuide(data []byte) (protocol.Message, error) {
	var m struct {
		Type string `json:"type"`
		protocol.GuideNewRequest
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, err
	}
	if m.Type != protocol.TypeNewRequest {
		return nil, fmt.Errorf("the type is %q", m.Type)
	}
	return m.GuideNewRequest, nil
}
