package webhook

import (
	"context"
	"encoding/binary"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
)

// resolver is a name server for a client: it answers the n-th question for an
// IPv4 address (from 0) with what addrs returns.
func resolver(t *testing.T, c *Client, addrs func(n int) []string) {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { // ends with the socket; the clean-up waits for it
		defer close(done)
		asked := 0
		for buf := make([]byte, 1500); ; {
			n, from, err := server.ReadFrom(buf)
			if err != nil {
				return
			}
			question := buf[12:n]
			end := strings.IndexByte(string(question), 0) + 5 // the name, its type and class
			var answers []string
			if binary.BigEndian.Uint16(question[end-4:]) == 1 { // A
				answers = addrs(asked)
				asked++
			}
			out := append([]byte{buf[0], buf[1], 0x81, 0x80, 0, 1, 0, byte(len(answers)), 0, 0, 0, 0}, question[:end]...)
			for _, a := range answers {
				ip := netip.MustParseAddr(a).As4()
				out = append(append(out, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4), ip[:]...)
			}
			_, _ = server.WriteTo(out, from)
		}
	}()
	t.Cleanup(func() { server.Close(); <-done })
	c.dialer.Resolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}

// canaries listens on one port of both addresses, and counts the requests to
// the first.
func canaries(t *testing.T) (port string, forbidden *atomic.Int32) {
	t.Helper()
	forbidden = new(atomic.Int32)
	var stops []func()
	for i, ip := range []string{"127.0.0.1", "127.0.0.2"} {
		addr := ip + ":0"
		if i > 0 {
			addr = ip + ":" + port
		}
		ln, err := net.Listen("tcp", addr)
		if err != nil {
			t.Skipf("no second loopback address here: %v", err)
		}
		_, port, _ = net.SplitHostPort(ln.Addr().String())
		srv := &http.Server{ErrorLog: quiet(), ConnState: func(_ net.Conn, s http.ConnState) {
			if i == 0 && s == http.StateNew {
				forbidden.Add(1)
			}
		}}
		done := make(chan struct{})
		go func() { defer close(done); _ = srv.Serve(ln) }() // the clean-up waits for it
		stops = append(stops, func() { _ = srv.Close(); <-done })
	}
	t.Cleanup(func() {
		for _, stop := range stops {
			stop()
		}
	})
	return port, forbidden
}

func only2(t *testing.T) *Client {
	c := NewClient(ClientOptions{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}})
	t.Cleanup(c.Close)
	return c
}

// A name that means an allowed address at first and another one later is judged
// each time.
func TestRebinding(t *testing.T) {
	port, forbidden := canaries(t)
	c := only2(t)
	resolver(t, c, func(n int) []string {
		return []string{[]string{"127.0.0.2", "127.0.0.1", "169.254.169.254"}[min(n, 2)]}
	})
	url := "http://rebind.example:" + port + "/"
	if err := c.CheckURL(url); err != nil {
		t.Fatal(err)
	}
	if got := post(t, c, url); got.Status != 404 {
		t.Errorf("at first: %+v", got)
	}
	c.Close() // or the same connection would be used again
	for _, addr := range []string{"127.0.0.1", "169.254.169.254"} {
		if got := post(t, c, url); got.Status != 0 || !strings.Contains(got.Error, "The address "+addr+" is not allowed") {
			t.Errorf("then: %+v", got)
		}
	}
	if n := forbidden.Load(); n != 0 {
		t.Errorf("%d connections arrived", n)
	}
}

// Of several addresses of a name only the allowed ones are dialled.
func TestSeveralAddresses(t *testing.T) {
	port, forbidden := canaries(t)
	for _, addrs := range [][]string{{"127.0.0.1", "127.0.0.2"}, {"127.0.0.2", "127.0.0.1"}, {"10.0.0.1", "127.0.0.1", "192.168.0.1", "127.0.0.2"}} {
		c := only2(t)
		resolver(t, c, func(int) []string { return addrs })
		if got := post(t, c, "http://several.example:"+port+"/"); got.Status != 404 {
			t.Errorf("%v: %+v", addrs, got)
		}
	}
	c := only2(t)
	resolver(t, c, func(int) []string { return []string{"127.0.0.1", "10.0.0.1"} })
	if got := post(t, c, "http://several.example:"+port+"/"); got.Status != 0 || !strings.Contains(got.Error, "is not allowed") {
		t.Errorf("none allowed: %+v", got)
	}
	if n := forbidden.Load(); n != 0 {
		t.Errorf("%d connections arrived", n)
	}
}
