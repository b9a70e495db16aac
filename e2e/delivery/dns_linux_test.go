package delivery

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
)

// nameServer answers questions for addresses over UDP (RFC 1035): so much of it
// as a resolver asks here.
type nameServer struct {
	conn   net.PacketConn
	answer func(name string, asked int) []netip.Addr

	mu    sync.Mutex
	asked map[string]int // questions for IPv4 addresses, by name
}

const (
	typeA, typeAAAA = 1, 28
	headerBytes     = 12
)

// serveNames answers what is asked at addr until the test ends. answer gets a name
// in lower case without the last dot, and how often its IPv4 addresses were asked
// for before.
func serveNames(t *testing.T, addr string, answer func(name string, asked int) []netip.Addr) {
	conn, err := net.ListenPacket("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	s := &nameServer{conn: conn, answer: answer, asked: map[string]int{}}
	var serving sync.WaitGroup
	serving.Go(func() { s.serve(t) }) // the cleanup waits for it
	t.Cleanup(func() {
		conn.Close()
		serving.Wait()
	})
}

func (s *nameServer) serve(t *testing.T) {
	packet := make([]byte, 1500)
	for {
		n, from, err := s.conn.ReadFrom(packet)
		if err != nil {
			return // it is closed
		}
		if reply := s.reply(packet[:n]); reply != nil {
			if _, err := s.conn.WriteTo(reply, from); err != nil {
				t.Errorf("answer a question for a name: %v", err)
			}
		}
	}
}

// reply is the answer to a question, nil where it cannot be read.
func (s *nameServer) reply(q []byte) []byte {
	var labels []string
	at := headerBytes
	for at < len(q) && q[at] != 0 {
		end := at + 1 + int(q[at])
		if end >= len(q) {
			return nil
		}
		labels = append(labels, string(q[at+1:end]))
		at = end
	}
	if at+5 > len(q) {
		return nil
	}
	kind := binary.BigEndian.Uint16(q[at+1:])
	name := strings.ToLower(strings.Join(labels, "."))
	s.mu.Lock()
	before := s.asked[name]
	if kind == typeA {
		s.asked[name]++
	}
	s.mu.Unlock()
	out := append([]byte{}, q[:at+5]...) // the question again
	out[2], out[3] = 0x81, 0x80          // an answer, recursion available, no error
	var answers uint16
	for _, addr := range s.answer(name, before) {
		if addr.Is4() != (kind == typeA) || kind != typeA && kind != typeAAAA {
			continue
		}
		answers++
		out = append(out, 0xc0, headerBytes) // the name of the question
		out = binary.BigEndian.AppendUint16(out, kind)
		out = append(out, 0, 1, 0, 0, 0, 0) // internet; for no time
		data := addr.AsSlice()
		out = binary.BigEndian.AppendUint16(out, uint16(len(data)))
		out = append(out, data...)
	}
	binary.BigEndian.PutUint16(out[6:], answers)
	binary.BigEndian.PutUint32(out[8:], 0) // nothing further
	return out
}
