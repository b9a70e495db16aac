package webhook

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"
)

func post(t *testing.T, c *Client, url string) (got struct {
	Status int
	Error  string
}) {
	t.Helper()
	try := c.Send(t.Context(), Message{URL: url, ID: "msg_1", Secrets: []string{vectorSecret}, Body: []byte(`{}`)})
	got.Status, got.Error = try.Status, try.Error
	return got
}

func local(t *testing.T, opt ClientOptions) *Client {
	opt.AllowLoopback = true
	c := NewClient(opt)
	t.Cleanup(c.Close)
	return c
}

func TestSend(t *testing.T) {
	secrets := []string{NewSecret(), NewSecret()}
	body := []byte(`{"type":"done"}`)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, _ := io.ReadAll(r.Body)
		for _, secret := range secrets {
			if err := Verify([]string{secret}, r.Header, got, time.Now()); err != nil {
				t.Errorf("the signature does not verify: %v", err)
			}
		}
		for name, want := range map[string]string{"Content-Type": "application/json", "User-Agent": "chatbridge/1.2.3", "Webhook-Id": "msg_9",
			"Authorization": "Bearer hidden", "Accept-Encoding": "", "Content-Length": "15", "Connection": ""} {
			if v := r.Header.Get(name); v != want {
				t.Errorf("%s is %q, want %q", name, v, want)
			}
		}
		if r.Method != "POST" || string(got) != string(body) || r.Header["Idempotency-Key"] != nil {
			t.Errorf("%s %q", r.Method, got)
		}
		w.Header().Set("X-Answer", "yes")
		w.WriteHeader(202)
		_, _ = w.Write([]byte("thanks\x00\xff"))
	}))
	defer srv.Close()
	c := local(t, ClientOptions{UserAgent: "chatbridge/1.2.3"})
	try := c.Send(t.Context(), Message{URL: srv.URL + "/hook?token=t", ID: "msg_9", Secrets: secrets, Body: body,
		Headers: map[string]string{"authorization": "Bearer hidden", "webhook-signature": "v1,forged", "Webhook-Id": "forged", "user-agent": "forged", "connection": "close"}})
	if try.Status != 202 || try.Error != "" || try.ResponseBody != "thanks\uFFFD\uFFFD" || try.ResponseHeaders["X-Answer"] != "yes" || try.Duration <= 0 || time.Since(try.At) > time.Minute {
		t.Errorf("%+v", try)
	}
	if try.RequestHeaders["Authorization"] != masked || try.RequestHeaders["Webhook-Id"] != "msg_9" || strings.Contains(fmt.Sprint(try), "hidden") {
		t.Errorf("kept of the request: %v", try.RequestHeaders)
	}
}

func TestStatuses(t *testing.T) {
	var reached atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reached.Add(1)
		var status int
		_, _ = fmt.Sscanf(r.URL.Path, "/%d", &status)
		w.Header().Set("Location", "/200")
		w.Header().Set("Retry-After", "120")
		w.WriteHeader(status)
	}))
	defer srv.Close()
	c := local(t, ClientOptions{})
	for _, status := range []int{200, 201, 204, 299, 300, 301, 302, 303, 304, 307, 308, 400, 401, 404, 410, 429, 500, 503, 599} {
		reached.Store(0)
		try := c.Send(t.Context(), Message{URL: fmt.Sprintf("%s/%d", srv.URL, status), ID: "msg_1", Secrets: []string{vectorSecret}})
		if try.Status != status || (try.Error == "") != (status/100 == 2) || reached.Load() != 1 {
			t.Errorf("%d: %+v, %d requests", status, try, reached.Load())
		}
		if status/100 == 3 && !strings.Contains(try.Error, "Redirects are not followed") {
			t.Errorf("%d: %q", status, try.Error)
		}
		want := time.Duration(0)
		if status == 429 || status == 503 {
			want = 2 * time.Minute
		}
		if try.RetryAfter != want {
			t.Errorf("%d: Retry-After %v", status, try.RetryAfter)
		}
	}
}

// A body without end costs neither memory nor time: the head has decided.
func TestEndlessBodies(t *testing.T) {
	stop := make(chan struct{})
	var sent atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/gigabyte" {
			w.Header().Set("Content-Length", "1073741824")
			chunk := []byte(strings.Repeat("é", 32<<10))
			for {
				if _, err := w.Write(chunk); err != nil {
					return
				}
				sent.Add(int64(len(chunk)))
			}
		}
		for { // drip
			if _, err := w.Write([]byte(".")); err != nil {
				return
			}
			_ = http.NewResponseController(w).Flush()
			select {
			case <-r.Context().Done():
				return
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}))
	defer srv.Close()
	defer close(stop)
	for _, path := range []string{"/gigabyte", "/drip"} {
		bodyTimeout := 100 * time.Millisecond
		if path == "/gigabyte" {
			bodyTimeout = time.Minute // not what ends it
		}
		c := local(t, ClientOptions{BodyTimeout: bodyTimeout})
		begun := time.Now()
		try := c.Send(t.Context(), Message{URL: srv.URL + path, ID: "msg_1", Secrets: []string{vectorSecret}})
		if took := time.Since(begun); try.Status != 200 || try.Error != "" || took > 5*time.Second {
			t.Errorf("%s: %d %q after %v", path, try.Status, try.Error, took)
		}
		if n := len(try.ResponseBody); n == 0 || n > maxKept || !utf8.ValidString(try.ResponseBody) {
			t.Errorf("%s: %d bytes kept", path, n)
		}
	}
	if n := sent.Load(); n > 64<<20 { // what the kernel buffers
		t.Errorf("%d bytes of the gigabyte were sent", n)
	}
}

// rawServer answers each connection as fn likes, after the request's head.
func rawServer(t *testing.T, fn func(net.Conn)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { // ends with the listener; the clean-up waits for it
		defer close(done)
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			r := bufio.NewReader(conn)
			for line := ""; line != "\r\n"; {
				if line, err = r.ReadString('\n'); err != nil {
					break
				}
			}
			fn(conn)
			conn.Close()
		}
	}()
	t.Cleanup(func() { ln.Close(); <-done })
	return "http://" + ln.Addr().String() + "/"
}

func TestTroubleInASentence(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	hang := make(chan struct{})
	defer close(hang)
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = quiet()
	secure.StartTLS()
	defer secure.Close()
	trusted := x509.NewCertPool()
	trusted.AddCert(secure.Certificate())
	old := httptest.NewUnstartedServer(http.NotFoundHandler())
	old.Config.ErrorLog = quiet()
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS11} //nolint:gosec // what must be refused
	old.StartTLS()
	defer old.Close()

	tests := []struct {
		name, url, want string
	}{
		{"refused", "http://" + closed.Addr().String() + "/", "refused the connection"},
		{"hang", rawServer(t, func(net.Conn) { <-hang }), "did not answer within 300ms"},
		{"drip of a head", rawServer(t, func(conn net.Conn) {
			for {
				if _, err := conn.Write([]byte("HTTP/1.1 200 OK\r\nX: y\r\n"[:1])); err != nil {
					return
				}
				select {
				case <-hang:
					return
				case <-time.After(20 * time.Millisecond):
				}
			}
		}), "did not answer within 300ms"},
		{"reset", rawServer(t, func(conn net.Conn) { _ = conn.(*net.TCPConn).SetLinger(0) }), "closed the connection without an answer"},
		{"closed", rawServer(t, func(net.Conn) {}), "closed the connection without an answer"},
		{"half a head", rawServer(t, func(conn net.Conn) { _, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\nX: y\r\n")) }), "closed the connection without an answer"},
		{"not HTTP", rawServer(t, func(conn net.Conn) { _, _ = conn.Write([]byte("SSH-2.0-x\r\n\r\n")) }), "is not HTTP/1.1."},
		{"HTTP/0.9", rawServer(t, func(conn net.Conn) { _, _ = conn.Write([]byte("<html>pw</html>\r\n\r\n")) }), "is not HTTP/1.1."},
		{"no status", rawServer(t, func(conn net.Conn) { _, _ = conn.Write([]byte("HTTP/1.1 OK\r\n\r\n")) }), "is not HTTP/1.1."},
		{"HTTP/2 at once", rawServer(t, func(conn net.Conn) { _, _ = conn.Write([]byte("\x00\x00\x12\x04\x00\x00\x00\x00\x00")) }), "."},
		{"1xx without end", rawServer(t, func(conn net.Conn) {
			for {
				if _, err := conn.Write([]byte("HTTP/1.1 103 Early Hints\r\nLink: </pw>\r\n\r\n")); err != nil {
					return
				}
			}
		}), "is longer than 64 KiB."},
		{"headers without end", rawServer(t, func(conn net.Conn) {
			_, err := conn.Write([]byte("HTTP/1.1 200 OK\r\n"))
			for i := 0; err == nil; i++ {
				_, err = fmt.Fprintf(conn, "X-%d: pw\r\n", i)
			}
		}), "is longer than 64 KiB."},
		{"endless head", rawServer(t, func(conn net.Conn) {
			_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", 2*maxHead) + "\r\n\r\n"))
		}), "is longer than 64 KiB."},
		{"TLS on a plain port", strings.Replace(plain.URL, "http:", "https:", 1), "does not speak TLS"},
		{"unknown authority", secure.URL, "not from an authority"},
		{"TLS 1.1", old.URL, "refused the TLS handshake"},
		{"expired", certified(t, -time.Hour, -time.Minute), "has expired or is not valid yet"},
		{"not valid yet", certified(t, time.Hour, 2*time.Hour), "has expired or is not valid yet"},
		{"self-signed", certified(t, -time.Hour, time.Hour), "not from an authority"},
		{"silent TLS", strings.Replace(silent(t), "http:", "https:", 1), "did not finish the TLS handshake within 100ms"},
		{"blocked", "http://10.0.0.1/", "The address 10.0.0.1 is not allowed for webhooks (private use)."},
		{"no such name", "http://no-such-name.invalid/", "(DNS)"},
		{"no URL", "http://[", "cannot be read"},
		{"credentials", "http://user:pw@127.0.0.1/", "user name or password"},
		{"another scheme", "file:///etc/passwd", "begins with http"},
	}
	c := local(t, ClientOptions{})
	hasty := local(t, ClientOptions{Timeout: 300 * time.Millisecond, TLSTimeout: 100 * time.Millisecond})
	for _, tt := range tests {
		by := c
		if strings.Contains(tt.want, "within") {
			by = hasty
		}
		if strings.HasSuffix(tt.url, "/") {
			tt.url += "pw?token=pw"
		}
		got := post(t, by, tt.url)
		if got.Status != 0 || !strings.Contains(got.Error, tt.want) || !strings.HasSuffix(got.Error, ".") || len(got.Error) > 400 {
			t.Errorf("%s: %+v, want …%s…", tt.name, got, tt.want)
		}
		if strings.Contains(got.Error, "pw") {
			t.Errorf("%s shows a secret of the URL: %s", tt.name, got.Error)
		}
	}

	known := local(t, ClientOptions{RootCAs: trusted})
	if got := post(t, known, secure.URL); got.Status != 404 {
		t.Errorf("a trusted certificate: %+v", got)
	}
	if got := post(t, known, strings.Replace(secure.URL, "127.0.0.1", "127.0.0.2", 1)); got.Status != 0 {
		t.Errorf("another name: %+v", got)
	}
	bad := c.Send(t.Context(), Message{URL: plain.URL, ID: "msg_1", Secrets: []string{"whsec_?secret?"}})
	if bad.Status != 0 || !strings.Contains(bad.Error, "Make a new one") || strings.Contains(bad.Error, "?secret?") {
		t.Errorf("a bad secret: %+v", bad)
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if try := c.Send(stopped, Message{URL: plain.URL, ID: "msg_1", Secrets: []string{vectorSecret}}); !strings.Contains(try.Error, "stopping") {
		t.Errorf("stopped: %+v", try)
	}
}

// certified is an https URL with a certificate of its own, valid for a time
// that begins and ends so long from now.
func certified(t *testing.T, from, to time.Duration) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(from), NotAfter: time.Now().Add(to), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, of, of, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.ErrorLog = quiet()
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv.URL
}

// A receiver that changes the protocol and says nothing more holds no try up.
func TestSwitchingProtocols(t *testing.T) {
	hang := make(chan struct{})
	defer close(hang)
	url := rawServer(t, func(conn net.Conn) {
		_, _ = conn.Write([]byte("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"))
		<-hang
	})
	begun := time.Now()
	if got := post(t, local(t, ClientOptions{BodyTimeout: 50 * time.Millisecond}), url); got.Status != 101 || !strings.Contains(got.Error, "answered 101") || time.Since(begun) > 5*time.Second {
		t.Errorf("%+v after %v", got, time.Since(begun))
	}
}

// silent accepts connections and says nothing.
func silent(t *testing.T) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0") // the kernel accepts
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return "http://" + ln.Addr().String() + "/"
}

// An idle connection that the receiver closes is no failed try.
func TestReuse(t *testing.T) {
	var conns atomic.Int32
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			conns.Add(1)
		}
	}
	srv.Start()
	defer srv.Close()
	c := local(t, ClientOptions{})
	for range 20 {
		if got := post(t, c, srv.URL); got.Status != 200 {
			t.Fatalf("%+v", got)
		}
	}
	if n := conns.Load(); n != 1 {
		t.Errorf("%d connections for 20 tries", n)
	}
	for range 20 {
		srv.CloseClientConnections()
		if got := post(t, c, srv.URL); got.Status != 200 {
			t.Fatalf("after the receiver closed its connections: %+v", got)
		}
	}
}

func TestProxyVariablesAreIgnored(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("http_proxy", "http://127.0.0.1:1")
	c := local(t, ClientOptions{Allow: nil})
	if got := post(t, c, "http://10.0.0.1/"); !strings.Contains(got.Error, "10.0.0.1 is not allowed") {
		t.Errorf("%+v", got)
	}
}

// Our own receiver is reached by our own listener, under any of its URLs.
func TestOwn(t *testing.T) {
	var hosts, paths []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hosts, paths = append(hosts, r.Host), append(paths, r.URL.RequestURI())
	}))
	defer srv.Close()
	public, _ := url.Parse("https://example.com/bridge")
	c := NewClient(ClientOptions{Own: OwnReceiver(8000, public), DialOwn: func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", srv.Listener.Addr().String())
	}})
	defer c.Close()
	for _, raw := range []string{"http://localhost:8000/api/webhooks/chatgpt/", "http://[::1]:8000/api/webhooks/chatgpt?a=1", "https://example.com/bridge/api/webhooks/chatgpt"} {
		if got := post(t, c, raw); got.Status != 200 {
			t.Errorf("%s: %+v", raw, got)
		}
	}
	if got := post(t, c, "http://localhost:8000/other/"); got.Status != 0 || !strings.Contains(got.Error, "not allowed") {
		t.Errorf("another path of ours: %+v", got)
	}
	if fmt.Sprint(hosts) != "[localhost:8000 [::1]:8000 example.com]" || fmt.Sprint(paths) != "[/api/webhooks/chatgpt/ /api/webhooks/chatgpt/?a=1 /api/webhooks/chatgpt/]" {
		t.Errorf("%v %v", hosts, paths)
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{"": "", "abc": "abc", "ab\xc3": "ab\uFFFD", "a\x00b": "a\uFFFDb", "\xff\xfe": "\uFFFD", "éé": "éé", "aaaaéé": "aaaaéé", "aaaaaaaé": "aaaaaaa"} {
		if got := printable([]byte(in), 8); got != want {
			t.Errorf("printable(%q) = %q, want %q", in, got, want)
		}
	}
}
