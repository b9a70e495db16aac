package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"chatbridge/internal/bridge"
)

// The bounds of one try.
const (
	dialTimeout  = 5 * time.Second
	tlsTimeout   = 5 * time.Second
	tryTimeout   = 30 * time.Second // from the look-up of the name to the head of the answer
	bodyTimeout  = 2 * time.Second  // the head has decided; a body that drips must not hold the try's place
	maxHead      = 64 << 10         // of the answer
	maxBody      = 64 << 10         // read, so that the connection can be used again
	maxKept      = 4 << 10          // stored, for a person to read
	maxKeptHead  = 8 << 10          // of headers, likewise
	maxErrorText = 300              // of an error that has no sentence of ours

	idlePerHost = 8                // an endpoint's tries at once
	idleOwn     = 64               // our own listener costs nothing to be connected to
	idleInAll   = 512              // file descriptors
	idleFor     = 60 * time.Second // shorter than most receivers keep an idle connection
	masked      = "••••"
)

// ClientOptions sets up a [Client]. Zero durations mean the defaults.
type ClientOptions struct {
	Allow         []netip.Prefix // ranges that are allowed although not reachable from anywhere
	AllowLoopback bool           // for a server that itself listens on loopback only
	// Own tells the URLs of our own receiver, see [OwnReceiver]; DialOwn
	// connects to our own listener, which speaks plain HTTP there. Both or none.
	Own       func(*url.URL) bool
	DialOwn   func(context.Context) (net.Conn, error)
	UserAgent string         // "chatbridge/VERSION"
	RootCAs   *x509.CertPool // nil: the system's

	DialTimeout time.Duration // default 5 s, the look-up of the name included
	TLSTimeout  time.Duration // default 5 s
	Timeout     time.Duration // default 30 s: until the head of the answer is there
	BodyTimeout time.Duration // default 2 s, after the head
}

// Client makes single tries: it dials only addresses that webhooks may go to,
// follows no redirect and uses no proxy. It is safe for concurrent use.
type Client struct {
	opt       ClientOptions
	guard     guard
	dialer    *net.Dialer
	transport *http.Transport
	self      *http.Transport // to our own listener
}

// NewClient returns a client; its owner calls Close when no try runs any more.
func NewClient(opt ClientOptions) *Client {
	orDefault := func(d *time.Duration, def time.Duration) {
		if *d == 0 {
			*d = def
		}
	}
	orDefault(&opt.DialTimeout, dialTimeout)
	orDefault(&opt.TLSTimeout, tlsTimeout)
	orDefault(&opt.Timeout, tryTimeout)
	orDefault(&opt.BodyTimeout, bodyTimeout)
	c := &Client{opt: opt, guard: guard{allow: opt.Allow, loopback: opt.AllowLoopback}}
	c.dialer = &net.Dialer{Timeout: opt.DialTimeout, Control: c.guard.control}
	c.transport = transport(c.dialer.DialContext, idlePerHost)
	c.transport.TLSHandshakeTimeout = opt.TLSTimeout
	c.transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: opt.RootCAs}
	c.self = transport(func(ctx context.Context, _, _ string) (net.Conn, error) { return opt.DialOwn(ctx) }, idleOwn)
	return c
}

// transport never has a proxy: a guard on the dialled address would see only
// the proxy's. It takes no compressed answers: nobody reads them but a person.
func transport(dial func(context.Context, string, string) (net.Conn, error), idle int) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true) // a connection per try: none waits for another's
	return &http.Transport{
		DialContext: dial, Protocols: protocols, DisableCompression: true,
		MaxResponseHeaderBytes: maxHead, MaxIdleConns: idleInAll, MaxIdleConnsPerHost: idle, IdleConnTimeout: idleFor,
	}
}

// Close closes the idle connections.
func (c *Client) Close() {
	c.transport.CloseIdleConnections()
	c.self.CloseIdleConnections()
}

func (c *Client) own(u *url.URL) bool { return c.opt.Own != nil && c.opt.Own(u) }

// Message is what one try sends.
type Message struct {
	URL     string
	ID      string            // webhook-id
	Secrets []string          // those that are valid now, newest first
	Headers map[string]string // the endpoint's own
	Body    []byte            // JSON
}

// Send makes one try and returns what came of it; only a Status of 200 to 299
// is success, anything else has an Error: a sentence for a person. Neither
// that nor what is kept of the headers holds a secret. DeliveryID and Number
// are the caller's to fill in. Send returns within the client's timeouts, or
// when ctx ends.
func (c *Client) Send(ctx context.Context, m Message) bridge.Try {
	try := bridge.Try{At: time.Now().UTC().Truncate(time.Microsecond)}
	begun := time.Now()
	ctx, cancel := context.WithTimeout(ctx, c.opt.Timeout)
	defer cancel()
	req, err := c.request(ctx, m, &try)
	if err == nil {
		err = c.roundTrip(req, cancel, &try)
	}
	if err != nil {
		try.Duration, try.Error = time.Since(begun), c.explain(err, req)
	}
	return try
}

func (c *Client) request(ctx context.Context, m Message, try *bridge.Try) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.URL, bytes.NewReader(m.Body))
	if err != nil {
		return nil, refused("The webhook URL cannot be read. Write it like https://example.com/hook.")
	}
	if err := checkParts(req.URL); err != nil {
		return nil, err
	}
	try.RequestHeaders = map[string]string{}
	for name, value := range m.Headers {
		if !reserved(name) {
			req.Header.Set(name, value)
			try.RequestHeaders[http.CanonicalHeaderKey(name)] = masked
		}
	}
	for name, value := range map[string]string{"Content-Type": "application/json", "User-Agent": c.opt.UserAgent} {
		req.Header.Set(name, value)
		try.RequestHeaders[name] = value
	}
	if err := SetHeaders(req.Header, m.Secrets, m.ID, try.At, m.Body); err != nil {
		return nil, bridge.Errorf(bridge.Invalid, "webhook_secret", "The endpoint's secret is not whsec_ and base64, so nothing was sent. Make a new one.")
	}
	for _, name := range []string{HeaderID, HeaderTimestamp, HeaderSignature} {
		try.RequestHeaders[name] = req.Header.Get(name)
	}
	// An idle connection may be closed by the receiver just as it is used
	// again. An empty value (it is not sent) lets the transport repeat the
	// request then; a webhook may come twice anyway, its id tells.
	req.Header["Idempotency-Key"] = nil
	return req, nil
}

func (c *Client) roundTrip(req *http.Request, cancel func(), try *bridge.Try) error {
	begun, rt := time.Now(), c.transport
	if c.own(req.URL) {
		rt = c.self
		req.URL.Scheme, req.URL.Path, req.URL.RawPath = "http", ReceiverPath, ""
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	try.Duration = time.Since(begun)
	try.Status = resp.StatusCode
	try.ResponseHeaders = keepHeaders(resp.Header)
	try.RetryAfter = retryAfter(resp.StatusCode, resp.Header, time.Now())
	try.Error = judge(resp.StatusCode)

	if resp.StatusCode == http.StatusSwitchingProtocols {
		return nil // what follows is no body: it would be read without an end to the waiting
	}
	// The head has decided; what goes wrong from here on does not matter.
	tooLong := time.AfterFunc(c.opt.BodyTimeout, cancel)
	defer tooLong.Stop()
	kept, _ := io.ReadAll(io.LimitReader(resp.Body, maxKept))
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxBody-maxKept))
	try.ResponseBody = printable(kept, maxKept)
	return nil
}

// keepHeaders returns the first maxKeptHead bytes' worth of h.
func keepHeaders(h http.Header) map[string]string {
	out, room := map[string]string{}, maxKeptHead
	for name, values := range h {
		value := printable([]byte(strings.Join(values, ", ")), maxKeptHead)
		if room -= len(name) + len(value); room < 0 {
			break
		}
		out[name] = value
	}
	return out
}

// printable makes bytes storable as text of at most limit bytes: valid UTF-8
// without U+0000.
func printable(b []byte, limit int) string {
	s := strings.ReplaceAll(strings.ToValidUTF8(string(b), "\uFFFD"), "\x00", "\uFFFD")
	if len(s) > limit { // what replaces a byte is longer than it
		s = strings.ToValidUTF8(s[:limit], "")
	}
	return s
}
