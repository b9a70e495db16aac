package actors

import (
	"net"
	"net/http"
	"time"
)

// take takes the connection over, for an answer that is none.
func (s *Sink) take(w http.ResponseWriter, mood Mood, turned <-chan struct{}) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return // it is gone already
	}
	defer conn.Close()
	if mood == Reset {
		_ = conn.(*net.TCPConn).SetLinger(0)
		return
	}
	gone := make(chan struct{})
	go func() { // ends with the connection, which is closed below
		defer close(gone)
		_, _ = conn.Read(make([]byte, 1))
	}()
	ticks := time.NewTicker(dripEvery)
	defer ticks.Stop()
	head := "HTTP/1.1 200 OK\r\nX-Drip: "
	for {
		select {
		case <-ticks.C:
			if mood == Drip {
				if _, err := conn.Write([]byte(head)); err != nil {
					return
				}
				head = "x"
			}
			continue
		case <-turned:
		case <-s.closing:
		case <-gone:
		}
		return
	}
}
