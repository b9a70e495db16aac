package webhook

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"chatbridge/internal/bridge"
)

// hostile are hosts, in every spelling, that no webhook may reach.
var hostile = strings.Fields(strings.ReplaceAll(`
127.0.0.1 127.0.0.1. 127.1 127.0.1 127.255.255.254 127.0.0.2 0.0.0.0 0 0.1.2.3
2130706433 2130706433. 0x7f000001 0X7F000001 0x7f.0.0.1 0x7f.1 0177.0.0.1 017700000001 0177.1 127.0.0.0x1 127.0.0.01 00127.0.0.1 0x0 1 256.1
10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.255 192.168.0.1 192.168.255.255 167772161 0xa000001 012.0.0.1
100.64.0.1 100.127.255.255 100.100.100.200 169.254.0.1 169.254.169.254 169.254.170.2 2852039166 0xa9fea9fe 0251.0376.0251.0376
168.63.129.16 192.0.0.1 192.0.0.8 192.0.0.170 192.0.0.192 192.0.2.1 192.88.99.1 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.7
224.0.0.1 239.255.255.255 240.0.0.1 250.1.2.3 255.255.255.255
localhost LOCALHOST localhost. app.localhost %EF%BC%91%EF%BC%92%EF%BC%97.0.0.1 127.0.0.1\uFE00 127。0。0。1 127.0.0。１ ①②⑦.⓪.⓪.① 127.0.0.%C2%AD1
[::] [::1] [0:0:0:0:0:0:0:1] [0000::0001] [::127.0.0.1] [::7f00:1] [::8.8.8.8] [::2]
[::ffff:127.0.0.1] [::ffff:7f00:1] [0:0:0:0:0:ffff:7f00:1] [::FFFF:10.0.0.1] [::ffff:169.254.169.254] [::ffff:a9fe:a9fe] [::ffff:0.0.0.0] [::ffff:192.168.1.1] [::ffff:0:127.0.0.1]
[64:ff9b::127.0.0.1] [64:ff9b::7f00:1] [64:ff9b::10.0.0.1] [64:ff9b::169.254.169.254] [64:ff9b:1::1] [64:ff9b:1::8.8.8.8] [64:ff9b:0:0:1::1]
[2002:7f00:1::] [2002:7f00:0001::1] [2002:a9fe:a9fe::1] [2002:808:808::1] [2001:0:4136:e378:8000:63bf:3fff:fdd2] [2001::1]
[100::1] [100:0:0:1::1] [2001:1::4] [2001:2::1] [2001:5::1] [2001:10::1] [2001:db8::1] [3fff::1] [3fff:fff::1] [5f00::1]
[2606:4700::5efe:7f00:1] [2606:4700::200:5efe:10.0.0.1] [2001:4860::5efe:808:808]
[fc00::1] [fd00::1] [fd00:ec2::254] [fd20:ce::254] [fe80::1] [fe80::1%25eth0] [febf::1] [fec0::1] [ff02::1] [ff0e::1] [::1%25lo] [4000::1] [fb00::1] [8000::1]
`, `\uFE00`, "\uFE00"))

// No hostile host is taken by CheckURL or, where it needs a look-up, dialled:
// what a resolver makes of it meets the guard.
func TestHostileHosts(t *testing.T) {
	if len(hostile) < 80 {
		t.Fatalf("only %d hosts", len(hostile))
	}
	c := NewClient(ClientOptions{})
	defer c.Close()
	for _, host := range hostile {
		for _, form := range []string{"http://" + host + "/", "https://" + host + ":8443/x?y=1"} {
			if err := c.CheckURL(form); err == nil {
				t.Errorf("CheckURL takes %s", form)
			} else if e := bridge.AsError(err); e.Kind != bridge.Invalid || e.Code != "webhook_url" || !strings.HasSuffix(e.Detail, ".") {
				t.Errorf("CheckURL(%s): %v", form, err)
			}
		}
	}
}

// Names that mean loopback are refused when they are dialled, whatever
// CheckURL could know of them.
func TestHostileNamesAreNotDialled(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	var reached atomic.Int32
	done := make(chan struct{})
	go func() { // ends with the listener; waited for below
		defer close(done)
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			reached.Add(1)
			conn.Close()
		}
	}()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	c := NewClient(ClientOptions{DialTimeout: 2 * time.Second})
	defer c.Close()
	for _, host := range []string{"localhost", "LOCALHOST", "localhost.", "127.0.0.1", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "0", "0.0.0.0",
		"[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::]", "127。0。0。1", "127.0.0.1", "①②⑦.⓪.⓪.①", "[::1%25lo]"} {
		try := c.Send(t.Context(), Message{URL: "http://" + host + ":" + port + "/", ID: "msg_1", Secrets: []string{NewSecret()}})
		if try.Status != 0 || try.Error == "" {
			t.Errorf("%s: %+v", host, try)
		}
	}
	ln.Close()
	<-done
	if n := reached.Load(); n != 0 {
		t.Errorf("%d connections arrived", n)
	}
}

func TestReachableHosts(t *testing.T) {
	c := NewClient(ClientOptions{})
	defer c.Close()
	for _, host := range strings.Fields(`
		example.com EXAMPLE.com. sub.example.co.uk münchen.example xn--mnchen-3ya.example a1.b2 0x7f.example 8.8.8.8 1.1.1.1 192.0.0.9 192.0.0.10
		192.31.196.1 192.52.193.1 192.175.48.1 172.15.255.255 172.32.0.1 100.63.255.255 100.128.0.1 198.17.255.255 198.20.0.1 223.255.255.255 126.0.0.1 128.0.0.1
		168.63.129.17 [2606:4700::1111] [2001:4860:4860::8888] [2001:1::1] [2001:1::2] [2001:1::3] [2001:3::1] [2001:4:112::1] [2001:20::1] [2001:30::1] [2001:200::1]
		[2620:4f:8000::1] [64:ff9b::8.8.8.8] [::ffff:8.8.8.8] [2003::1] [3ffe::1]`) {
		if err := c.CheckURL("https://" + host + "/hook"); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestCheckURL(t *testing.T) {
	c := NewClient(ClientOptions{})
	defer c.Close()
	for raw, ok := range map[string]bool{
		"https://example.com":                                   true,
		"http://example.com:8080":                               true,
		"https://example.com:65535/":                            true,
		"https://example.com/?a=b&c":                            true,
		"HTTPS://EXAMPLE.COM/":                                  true,
		"https://example.com/" + strings.Repeat("a", maxURL-20): true,
		"https://example.com/" + strings.Repeat("a", maxURL-19): false,
		"":                          false,
		"example.com":               false,
		"//example.com/":            false,
		"/hook":                     false,
		"http:example.com":          false,
		"http://":                   false,
		"http:///path":              false,
		"http://:80/":               false,
		"ftp://example.com/":        false,
		"file:///etc/passwd":        false,
		"javascript:alert(1)":       false,
		"gopher://example.com/":     false,
		"unix:///tmp/x":             false,
		"http://user@example.com/":  false,
		"http://u:p@example.com/":   false,
		"http://@example.com/":      false,
		"http://example.com/#x":     false,
		"http://example.com/#":      false,
		"http://example.com:0/":     false,
		"http://example.com:65536/": false,
		"http://example.com:99999999999999999999/": false,
		"http://example.com:http/":                 false,
		"http://example.com:-1/":                   false,
		"http://exa mple.com/":                     false,
		"http://example.com\\@10.0.0.1/":           false,
		"http:\\\\example.com\\":                   false,
		"http:/example.com/":                       false,
		"http:///example.com/":                     false,
		"http://example.com/a\\b":                  false,
		"http://example.com/a b":                   false,
		"http://example.com/a%20b":                 true,
		" http://example.com/":                     false,
		"http://example.com/ ":                     false,
		"http://example.com/\t":                    false,
		"http://example.com/\u0085":                false,
		"http://example.com/\xff":                  false,
		"http://example.com/é":                     true,
		"http://example.com%00/":                   false,
		"http://example.com:80:80/":                false,
		"http://exa\u00admple.com/":                true, // a name that a look-up will clean
		"http://%31%32%37.0.0.1/":                  false,
		"http://example.com../":                    false,
		"http://example.com/\n":                    false,
		"http://[::1/":                             false,
		"http://./":                                false,
		"http://example.com/%zz":                   false,
		"http://" + strings.Repeat("a", 254) + "/": false,
	} {
		if err := c.CheckURL(raw); (err == nil) != ok {
			t.Errorf("CheckURL(%.60q) = %v, want ok %v", raw, err, ok)
		}
	}
}

func TestAllow(t *testing.T) {
	allow := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd12::/32"), netip.MustParsePrefix("fe80::/10")}
	tests := []struct {
		addr             string
		allowed, onLocal bool // by the ranges; by a server on loopback
	}{
		{"10.1.2.3", true, false}, {"10.2.0.1", false, false}, {"::ffff:10.1.2.3", true, false}, {"64:ff9b::10.1.2.3", true, false},
		{"fd12::1", true, false}, {"fd13::1", false, false}, {"fe80::1%eth0", true, false},
		{"127.0.0.1", false, true}, {"127.8.8.8", false, true}, {"::1", false, true}, {"::ffff:127.0.0.1", false, true}, {"::1%lo", false, true},
		{"64:ff9b::127.0.0.1", false, false}, {"0.0.0.0", false, false}, {"::", false, false}, {"169.254.169.254", false, false},
		{"8.8.8.8", true, true},
	}
	for _, tt := range tests {
		addr := netip.MustParseAddr(tt.addr)
		if err := (&guard{allow: allow}).check(addr); (err == nil) != tt.allowed {
			t.Errorf("%s with ranges: %v", tt.addr, err)
		}
		if err := (&guard{loopback: true}).check(addr); (err == nil) != tt.onLocal {
			t.Errorf("%s on loopback: %v", tt.addr, err)
		}
	}
	if (&guard{}).check(netip.Addr{}) == nil {
		t.Error("the zero address is dialled")
	}
}

func TestControlRefusesWhatItCannotRead(t *testing.T) {
	g := &guard{}
	for _, address := range []string{"", "example.com:80", "/tmp/socket", "127.0.0.1"} {
		if g.control("tcp", address, nil) == nil {
			t.Errorf("%q is dialled", address)
		}
	}
	for address, name := range map[string]string{"10.0.0.1:80": "private use", "[fe80::1%eth0]:80": "link local", "[64:ff9b::a9fe:a9fe]:80": "a cloud's metadata service"} {
		err := g.control("tcp", address, nil)
		if blocked, ok := errors.AsType[*BlockedError](err); !ok || blocked.Name != name {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestOwnReceiver(t *testing.T) {
	public, _ := url.Parse("https://bridge.example.com")
	below, _ := url.Parse("https://example.com/bridge/")
	odd, _ := url.Parse("http://bridge.example.com:9000")
	tests := []struct {
		raw    string
		public *url.URL
		want   bool
	}{
		{"http://localhost:8000/api/webhooks/chatgpt/", nil, true},
		{"http://localhost:8000/api/webhooks/chatgpt", nil, true},
		{"https://localhost:8000/api/webhooks/chatgpt/", nil, true},
		{"http://LOCALHOST:8000/api/webhooks/chatgpt/", nil, true},
		{"http://localhost.:8000/api/webhooks/chatgpt/", nil, true},
		{"http://app.localhost:8000/api/webhooks/chatgpt/?a=1", nil, true},
		{"http://127.0.0.1:8000/api/webhooks/chatgpt/", nil, true},
		{"http://127.9.9.9:8000/api/webhooks/chatgpt/", nil, true},
		{"http://[::1]:8000/api/webhooks/chatgpt/", nil, true},
		{"http://localhost:8001/api/webhooks/chatgpt/", nil, false},
		{"http://localhost/api/webhooks/chatgpt/", nil, false},
		{"ftp://localhost:8000/api/webhooks/chatgpt/", nil, false},
		{"http://localhost:8000/", nil, false},
		{"http://localhost:8000/api/webhooks/chatgpt/x", nil, false},
		{"http://localhost:8000/api/webhooks/chatgpt//", nil, false},
		{"http://localhost:8000//api/webhooks/chatgpt/", nil, false},
		{"http://localhost:8000/api/webhooks/chatgpt/../../admin/", nil, false},
		{"http://localhost:8000/api/admin/", nil, false},
		{"http://notlocalhost:8000/api/webhooks/chatgpt/", nil, false},
		{"http://localhost.example.com:8000/api/webhooks/chatgpt/", nil, false},
		{"http://10.0.0.1:8000/api/webhooks/chatgpt/", nil, false},
		{"http://0.0.0.0:8000/api/webhooks/chatgpt/", nil, false},
		{"http://example.com:8000/api/webhooks/chatgpt/", nil, false},
		{"https://bridge.example.com/api/webhooks/chatgpt/", nil, false},

		{"https://bridge.example.com/api/webhooks/chatgpt/", public, true},
		{"https://Bridge.Example.com./api/webhooks/chatgpt", public, true},
		{"https://bridge.example.com:443/api/webhooks/chatgpt/", public, true},
		{"http://bridge.example.com/api/webhooks/chatgpt/", public, true},
		{"https://bridge.example.com:8443/api/webhooks/chatgpt/", public, false},
		{"https://other.example.com/api/webhooks/chatgpt/", public, false},
		{"https://bridge.example.com/api/webhooks/", public, false},
		{"http://localhost:8000/api/webhooks/chatgpt/", public, true},
		{"https://example.com/bridge/api/webhooks/chatgpt/", below, true},
		{"https://example.com/api/webhooks/chatgpt/", below, false},
		{"http://bridge.example.com:9000/api/webhooks/chatgpt/", odd, true},
		{"http://bridge.example.com/api/webhooks/chatgpt/", odd, false},
	}
	for _, tt := range tests {
		u, err := url.Parse(tt.raw)
		if err != nil {
			t.Fatal(err)
		}
		own := OwnReceiver(8000, tt.public)
		if got := own(u); got != tt.want {
			t.Errorf("%s (public %v) is ours: %v", tt.raw, tt.public, got)
		}
		c := NewClient(ClientOptions{Own: own, DialOwn: func(context.Context) (net.Conn, error) { return nil, errors.New("not dialled here") }})
		if err := c.CheckURL(tt.raw); tt.want && err != nil {
			t.Errorf("CheckURL(%s): %v", tt.raw, err)
		}
	}
}

func TestCheckHeaders(t *testing.T) {
	many, most := map[string]string{}, map[string]string{}
	for i := range maxHeaders + 1 {
		many["X-"+strings.Repeat("a", i+1)] = "1"
		most["X-"+strings.Repeat("a", min(i+1, maxHeaders))] = "1"
	}
	tests := []struct {
		headers map[string]string
		ok      bool
	}{
		{nil, true},
		{map[string]string{"Authorization": "Bearer x", "X-Team": "café\ttab", "x-empty": ""}, true},
		{most, true},
		{many, false},
		{map[string]string{"X": strings.Repeat("a", maxHeaderBytes-1)}, true},
		{map[string]string{"X": strings.Repeat("a", maxHeaderBytes)}, false},
		{map[string]string{"X": strings.Repeat("a", 2000), "Y": strings.Repeat("a", 2100)}, false},
		{map[string]string{"X-Team": "1", "x-team": "2"}, false},
		{map[string]string{"": "1"}, false},
		{map[string]string{"X Y": "1"}, false},
		{map[string]string{"X:": "1"}, false},
		{map[string]string{"X-é": "1"}, false},
		{map[string]string{strings.Repeat("X", maxHeaderBytes+1): ""}, false},
		{map[string]string{"X": "secret\r\nY: b"}, false},
		{map[string]string{"X": "secret\x00"}, false},
		{map[string]string{"X": "secret\x7f"}, false},
	}
	for _, name := range strings.Fields(`webhook-id Webhook-Signature WEBHOOK-TIMESTAMP webhook-anything host Content-length content-type Content-Encoding
		Transfer-Encoding connection Keep-Alive Proxy-Connection TE Trailer Upgrade Expect User-Agent Idempotency-Key`) {
		tests = append(tests, struct {
			headers map[string]string
			ok      bool
		}{map[string]string{name: "secret"}, false})
	}
	for i, tt := range tests {
		err := CheckHeaders(tt.headers)
		if (err == nil) != tt.ok {
			t.Errorf("%d: %v", i, err)
		}
		if e := bridge.AsError(err); err != nil && (e.Kind != bridge.Invalid || len(e.Fields["headers"]) != 1 || e.Fields["headers"][0] != e.Detail || len(e.Detail) > 400) {
			t.Errorf("%d: %+v", i, e)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%d shows a value: %v", i, err)
		}
	}
}
