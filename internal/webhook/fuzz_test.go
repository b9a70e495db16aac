package webhook

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

// What CheckURL takes is dialled as it reads, and never at an address that is
// not reachable from anywhere; what it refuses is refused with a sentence; and
// whatever it says, the guard at the dial agrees with a slow check.
func FuzzCheckURL(f *testing.F) {
	for _, host := range hostile {
		f.Add("http://" + host + "/")
	}
	for _, raw := range []string{"https://example.com/hook?a=b", "http://8.8.8.8:8080", "https://münchen.example/", "http://[2606:4700::1111%25eth0]/", "http://u:p@example.com/",
		"http:/example.com", "http:\\\\10.0.0.1", "http://example.com:0/", "http://0x8.8/", "http://0ｘ7f.1/", "http://8.8.8.8.:80/", "http://ｌocalhost/", "http://example.com/\n", "HTTP://[::]", "http://1。1", "//x"} {
		f.Add(raw)
	}
	c := NewClient(ClientOptions{Timeout: time.Second})
	dialled := ""
	c.transport.DialContext = func(_ context.Context, network, address string) (net.Conn, error) {
		dialled = address
		return nil, errors.New("not dialled here")
	}
	f.Fuzz(func(t *testing.T, raw string) {
		err := c.CheckURL(raw)
		if err != nil && !strings.HasSuffix(err.Error(), ".") {
			t.Fatalf("%q is refused without a sentence: %v", raw, err)
		}
		dialled = ""
		try := c.Send(t.Context(), Message{URL: raw, ID: "msg_1", Secrets: []string{vectorSecret}, Body: []byte("{}")})
		if try.Status != 0 || try.Error == "" {
			t.Fatalf("%q: %+v", raw, try)
		}
		if dialled == "" {
			return
		}
		host, port, splitErr := net.SplitHostPort(dialled)
		if splitErr != nil && err == nil {
			t.Fatalf("%q is taken, and dialled as %q", raw, dialled)
		}
		addr, addrErr := netip.ParseAddr(host)
		if addrErr == nil {
			if refused := c.guard.control("tcp", net.JoinHostPort(addr.String(), "80"), nil) != nil; refused == reachable(addr) {
				t.Fatalf("%q is dialled at %s; refused there: %v", raw, addr, refused)
			}
		}
		if err != nil {
			return
		}
		u, parseErr := url.Parse(raw)
		if parseErr != nil || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || strings.ContainsAny(raw, "#\\ \t\r\n") || len(raw) > 2048 {
			t.Fatalf("%q is taken", raw)
		}
		if n, portErr := strconv.Atoi(port); portErr != nil || n < 1 || n > 65535 {
			t.Fatalf("%q is taken and dialled at port %q", raw, port)
		}
		if addrErr == nil && !reachable(addr) {
			t.Fatalf("%q is taken, and dialled at %s", raw, addr)
		}
		if old, ok := inetAton(host); ok && addrErr != nil {
			t.Fatalf("%q is taken; a resolver may read %q as %s", raw, host, old)
		}
		if name := strings.TrimSuffix(strings.ToLower(host), "."); name == "localhost" || strings.HasSuffix(name, ".localhost") {
			if u.Hostname() == host { // otherwise only the look-up knows
				t.Fatalf("%q is taken", raw)
			}
		}
	})
}

// inetAton reads an IPv4 address as the C library's inet_aton does: one to four
// numbers, decimal, octal or hexadecimal, of which the last fills the rest.
func inetAton(s string) (netip.Addr, bool) {
	parts := strings.Split(strings.TrimSuffix(s, "."), ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var sum uint64
	for i, part := range parts {
		if strings.Contains(part, "_") { // Go's, not C's
			return netip.Addr{}, false
		}
		if len(part) > 1 && part[0] == '0' && part[1] != 'x' && part[1] != 'X' {
			part = "0o" + part[1:]
		}
		n, err := strconv.ParseUint(part, 0, 64)
		bits := 8
		if i == len(parts)-1 {
			bits = 32 - 8*i
		}
		if err != nil || n >= 1<<bits {
			return netip.Addr{}, false
		}
		sum = sum<<bits | n
	}
	return netip.AddrFrom4([4]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)}), true
}

// The guard agrees with a slow check about every address.
func FuzzGuard(f *testing.F) {
	for _, row := range rows() {
		f.Add(row.prefix.Addr().AsSlice())
		f.Add(lastOf(row.prefix).AsSlice())
	}
	for _, s := range []string{"::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2606:4700::5efe:7f00:1", "168.63.129.16", "8.8.8.8", "2606:4700::1111"} {
		f.Add(netip.MustParseAddr(s).AsSlice())
	}
	g := &guard{}
	f.Fuzz(func(t *testing.T, b []byte) {
		addr, ok := netip.AddrFromSlice(b)
		if !ok {
			return
		}
		if err := g.check(addr); (err == nil) != reachable(addr) {
			t.Fatalf("%s: %v, reachable: %v", addr, err, reachable(addr))
		}
	})
}

// Whatever a receiver says, the next try comes within the bounds of the
// schedule and of Retry-After.
func FuzzRetryAfter(f *testing.F) {
	for _, v := range []string{"", "0", "120", " 7 ", "86401", "99999999999999999999", "-1", "1.5", "1e9", "Sat, 01 Aug 2026 12:10:00 GMT", "Sat Aug  1 12:10:00 2026", "soon", "١٢", "\x00"} {
		f.Add(429, v, 0, 0.5)
		f.Add(503, v, 8, 0.999)
	}
	now := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, status int, value string, step int, random float64) {
		asked := retryAfter(status, http.Header{"Retry-After": {value}}, now)
		if asked < 0 || asked > 24*time.Hour || asked != 0 && status != 429 && status != 503 {
			t.Fatalf("%d %q: %v", status, value, asked)
		}
		if n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 32); err == nil && (status == 429 || status == 503) && !strings.HasPrefix(strings.TrimSpace(value), "+") {
			if want := min(time.Duration(n)*time.Second, 24*time.Hour); asked != want {
				t.Fatalf("%q: %v, want %v", value, asked, want)
			}
		}
		if random < 0 || random >= 1 || random != random {
			return
		}
		wait, more := Next(step, random, asked)
		if more != (step >= 0 && step < 9) || more && (wait < asked || wait < 4*time.Second || wait > 29*time.Hour) || !more && wait != 0 {
			t.Fatalf("Next(%d, %v, %v) = %v, %v", step, random, asked, wait, more)
		}
	})
}
