package api

import (
	"io"
	"net/http"
	"time"
)

// bodyWithin is how long a body may take to arrive: 16 MiB, the most that is
// taken anywhere, over 2 Mbit/s. What is slower holds a connection and a
// goroutine for nothing.
const bodyWithin = 70 * time.Second

// limitBody has a request's body arrive within bodyWithin. It says nothing about
// the answer: once the body has been read, net/http takes the deadline away, to
// wait for as long as the answer takes and hear if the client has gone. Where
// there is no body it waits so already.
func limitBody(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyWithin)) // fails for a test's recorder alone
	}
}

// refusedBytes is how much of a body is still read once its request was refused:
// the most that is taken anywhere.
const refusedBytes = 16 << 20

// drainBody reads what the answer did not ask for. A connection that is closed
// with a body half read is reset, and the client that is still writing may never
// see why it was refused. A client that waits for 100 Continue has sent nothing,
// and is to send nothing.
func drainBody(r *http.Request) {
	if r.ContentLength != 0 && r.ContentLength <= refusedBytes && r.Header.Get("Expect") == "" {
		_, _ = io.CopyN(io.Discard, r.Body, refusedBytes) // what fails here fails for the client too
	}
}
