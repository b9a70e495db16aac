package main

import (
	"slices"
	"sync"
	"time"
)

// bareHub knows the live requests and workers, and who may have what.
type bareHub struct {
	store *bareStore

	mu       sync.Mutex
	requests map[string]*bareRequest
	recent   []string                  // ended requests still in requests, oldest first from next on
	next     int                       // where recent is overwritten
	queues   map[string][]*bareRequest // idle ones by response type, oldest first
	workers  []*bareWorker
}

func newBareHub(store *bareStore) *bareHub {
	return &bareHub{store: store, requests: map[string]*bareRequest{}, queues: map[string][]*bareRequest{}}
}

// bareRequest is one request. Its first fields never change, those of the answer not after the complete is handed to the
// store; what a stream shows is guarded by mu.
type bareRequest struct {
	id                                        int64
	uuid, message, responseType, thinkingTime string
	queuedAt                                  time.Time
	stored                                    chan error // of the submit
	worker                                    *bareWorker

	answer, chatID, chatTitle string
	end                       []byte // the end's JSON: the stream's last event and the webhook's body

	mu      sync.Mutex
	status  string
	text    []byte // the answer so far
	runes   int    // its code points
	changed chan struct{}
	frame   bareFrame
}

// add takes a stored request in.
func (h *bareHub) add(r *bareRequest) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.requests[r.uuid] = r
	h.queues[r.responseType] = append(h.queues[r.responseType], r)
	h.dispatch()
}

func (h *bareHub) get(uuid string) *bareRequest {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.requests[uuid]
}

// release frees the slot of an ended request and keeps the request for a while.
func (h *bareHub) release(r *bareRequest) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.recent) < endedKept {
		h.recent = append(h.recent, r.uuid)
	} else {
		delete(h.requests, h.recent[h.next])
		h.recent[h.next] = r.uuid
		h.next = (h.next + 1) % endedKept
	}
	r.worker.free++
	h.dispatch()
}

func (h *bareHub) join(w *bareWorker) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.workers = append(h.workers, w)
	h.dispatch()
}

func (h *bareHub) leave(w *bareWorker) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.workers = slices.DeleteFunc(h.workers, func(o *bareWorker) bool { return o == w })
}

// dispatch claims for every free slot what waits for it. h.mu is held.
func (h *bareHub) dispatch() {
	for responseType, queue := range h.queues {
		for len(queue) > 0 {
			w := h.freest(responseType)
			if w == nil {
				break
			}
			r := queue[0]
			queue[0] = nil
			queue = queue[1:]
			w.free--
			r.worker = w
			h.store.write(bareWrite{op: opClaim, req: r})
		}
		h.queues[responseType] = queue
	}
}

// freest is the worker with the most free slots that takes the type, nil for none.
func (h *bareHub) freest(responseType string) *bareWorker {
	var best *bareWorker
	for _, w := range h.workers {
		if w.free > 0 && (best == nil || w.free > best.free) && (w.types == nil || slices.Contains(w.types, responseType)) {
			best = w
		}
	}
	return best
}
