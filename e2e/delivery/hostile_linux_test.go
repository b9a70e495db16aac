package delivery

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"chatbridge/e2e/harness"
)

// names are what the test's name server knows.
var names = map[string][]string{
	"loop.test": {"127.0.0.1"}, "loop6.test": {"::1"}, "private.test": {"10.1.2.3"}, "private6.test": {"fd12::1"}, "link.test": {"169.254.1.1", "fe80::1"},
	"meta.test": {"169.254.169.254"}, "meta6.test": {"fd00:ec2::254"}, "mapped.test": {"::ffff:10.1.2.3"}, "nat64.test": {"64:ff9b::a01:203"}, "sixtofour.test": {"2002:a01:203::1"},
	"metadata.google.internal": {"169.254.169.254"},
	"public.test":              {"93.184.216.34", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"},
	"both.test":                {"127.0.0.1", "93.184.216.34", "10.1.2.3"},
}

// rebound is a name whose addresses change: public first, then loopback.
const rebound = "rebound.test"

// named is a name that means an address.
func named(addr netip.Addr) string { return fmt.Sprintf("x%x.addr.test", addr.AsSlice()) }

func lookUp(name string, asked int) (addrs []netip.Addr) {
	if digits, ok := strings.CutSuffix(name, ".addr.test"); ok {
		bytes, _ := hex.DecodeString(strings.TrimPrefix(digits, "x"))
		addr, _ := netip.AddrFromSlice(bytes)
		return []netip.Addr{addr}
	}
	known, ok := names[name]
	switch {
	case name == rebound && asked == 0:
		known = []string{"93.184.216.34"}
	case name == rebound || !ok:
		known = []string{"127.0.0.1"}
	}
	for _, a := range known {
		addrs = append(addrs, netip.MustParseAddr(a))
	}
	return addrs
}

// canary listens on every address, at the ports that the URLs name, and knows
// where it was called.
type canary struct {
	mu    sync.Mutex
	heard map[string]int // local address and port
}

// redirecting is the port at which the canary sends everyone to a metadata
// service; the proxy variables name proxying.
const (
	redirecting = "8081"
	proxying    = "3128"
)

func newCanary(t *testing.T) *canary {
	c := &canary{heard: map[string]int{}}
	for _, port := range []string{"80", "443", "8080", "6379", "1900", redirecting, proxying} {
		l, err := net.Listen("tcp", "[::]:"+port)
		if err != nil {
			t.Fatal(err)
		}
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.Host, ":"+redirecting) {
				http.Redirect(w, r, "http://169.254.169.254/latest/meta-data/", http.StatusTemporaryRedirect)
				return
			}
			w.WriteHeader(http.StatusNoContent)
		}), ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			at := conn.LocalAddr().(*net.TCPAddr).AddrPort()
			c.mu.Lock()
			defer c.mu.Unlock()
			c.heard[netip.AddrPortFrom(at.Addr().Unmap(), at.Port()).String()]++
			return ctx
		}}
		server.SetKeepAlivesEnabled(false) // each try looks its name up anew
		var serving sync.WaitGroup
		serving.Go(func() { _ = server.Serve(l) }) // the cleanup waits for it
		t.Cleanup(func() {
			server.Close()
			serving.Wait()
		})
	}
	return c
}

// takes returns what was heard since the last call.
func (c *canary) take() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	heard := c.heard
	c.heard = map[string]int{}
	return heard
}

// target is one URL as an endpoint.
type target struct {
	url string
	id  int64 // of the endpoint
}

// estate is accounts enough for all targets.
type estate struct {
	t        *testing.T
	s        *harness.Server
	accounts []harness.Account
	targets  map[int64][]target // by account
}

// perAccount is how many endpoints an account may have beside its Webhook URL.
const perAccount = 20

// set tries to set a URL; the sentence is why it was refused, "" where it was not.
func (e *estate) set(url string) (sentence string) {
	e.t.Helper()
	if n := len(e.accounts); n == 0 || len(e.targets[e.accounts[n-1].ID]) == perAccount {
		e.accounts = append(e.accounts, e.s.NewAccount(""))
	}
	account := e.accounts[len(e.accounts)-1].ID
	r := e.s.Admin().Call("POST", fmt.Sprintf("/api/admin/accounts/%d/endpoints/", account), harness.Fields{"url": url})
	if r.Status == http.StatusBadRequest {
		return r.Problem(http.StatusBadRequest, "").Errors["url"][0]
	}
	var made struct{ Endpoint struct{ ID int64 } }
	r.Want(http.StatusCreated).JSON(&made)
	e.targets[account] = append(e.targets[account], target{url, made.Endpoint.ID})
	return ""
}

// outcome is what the first try of a delivery came to.
type outcome struct {
	status int // 0 for none
	reason string
}

// deliver has a request of each account answered, and returns what each URL's try
// came to.
func (e *estate) deliver() map[string]outcome {
	e.t.Helper()
	outcomes := map[string]outcome{}
	for i, account := range e.accounts {
		client := e.s.Client(account.Key)
		worker := e.s.Join(harness.Hello(account.Key, fmt.Sprintf("worker %d", i), time.Now().UnixNano()))
		made := client.Submit("Hello")
		worker.Answer(worker.Take().Ref, "Hi")
		worker.Close()
		var tries []struct {
			Endpoint int64
			Tries    []struct {
				Status *int
				Error  *string
			}
		}
		harness.Eventually(e.t, "everything was tried", func() bool {
			e.s.Admin().Call("GET", "/api/admin/deliveries/?request_id="+made.ID, nil).Want(http.StatusOK).JSON(&tries)
			for _, d := range tries {
				if len(d.Tries) == 0 {
					return false
				}
			}
			return len(tries) == len(e.targets[account.ID])
		})
		for _, d := range tries {
			at := slices.IndexFunc(e.targets[account.ID], func(t target) bool { return t.id == d.Endpoint })
			var o outcome
			if d.Tries[0].Status != nil {
				o.status = *d.Tries[0].Status
			}
			if d.Tries[0].Error != nil {
				o.reason = *d.Tries[0].Error
			}
			outcomes[e.targets[account.ID][at].url] = o
		}
	}
	return outcomes
}

// guarded is in every sentence of the guard.
const guarded = "is not allowed for webhooks"

// start runs a server that the whole world could reach, in which proxy variables
// are set.
func start(t *testing.T, flags ...string) *estate {
	t.Helper()
	proxy := "http://93.184.216.34:" + proxying
	s := harness.StartEnv(t, []string{"HTTP_PROXY=" + proxy, "http_proxy=" + proxy, "HTTPS_PROXY=" + proxy, "ALL_PROXY=" + proxy}, append([]string{"--listen", "0.0.0.0:0"}, flags...)...)
	return &estate{t: t, s: s, targets: map[int64][]target{}}
}

func (e *estate) port() string {
	_, port, err := net.SplitHostPort(e.s.Addr)
	if err != nil {
		e.t.Fatal(err)
	}
	return port
}

// No hostile URL is reached: each is refused when it is set, or when it is
// dialled, while every address is this machine's and a canary sits on all.
func TestHostileURLs(t *testing.T) {
	t.Parallel()
	if !network(t) {
		return
	}
	serveNames(t, resolver, lookUp)
	canary := newCanary(t)
	e := start(t)
	var all []string
	for _, kind := range slices.Sorted(maps.Keys(hostile)) {
		for _, u := range hostile[kind] {
			all = append(all, strings.ReplaceAll(u, "{port}", e.port()))
		}
	}
	all = append(all, byName(all)...)
	slices.Sort(all)
	all = slices.Compact(all)
	reachable := control(t, canary, e.port(), all)
	if len(all) < 80 || reachable < len(all)/2 {
		t.Fatalf("there are %d URLs, and without a guard %d could be reached: that tests little", len(all), reachable)
	}
	atSet := 0
	for _, u := range all {
		sentence := e.set(u)
		if sentence != "" {
			atSet++
			if strings.Contains(sentence, "password") && strings.Contains(sentence, "user:password") {
				t.Errorf("%q: the sentence tells the credentials: %s", u, sentence)
			}
		}
	}
	outcomes := e.deliver()
	for _, u := range slices.Sorted(maps.Keys(outcomes)) {
		if o := outcomes[u]; o.status != 0 || !strings.Contains(o.reason, guarded) {
			t.Errorf("%q was tried: status %d, %s", u, o.status, o.reason)
		}
	}
	if heard := canary.take(); len(heard) > 0 {
		t.Errorf("the canary was called at %v", heard)
	}
	if atSet+len(outcomes) != len(all) {
		t.Errorf("%d URLs were refused when set, and %d tried, of %d", atSet, len(outcomes), len(all))
	}
	t.Logf("%d URLs, of which %d could be reached without a guard: %d refused when set, %d when dialled", len(all), reachable, atSet, len(outcomes))
}

// byName are the URLs of which the host is an address once more, with a name that
// means it: what is refused when set must be refused when dialled as well.
func byName(all []string) (more []string) {
	for _, raw := range all {
		u, err := url.Parse(raw)
		if err != nil || u.User != nil {
			continue
		}
		if addr, err := netip.ParseAddr(u.Hostname()); err == nil && addr.Zone() == "" {
			u.Host = strings.TrimSuffix(net.JoinHostPort(named(addr), u.Port()), ":")
			more = append(more, u.String())
		}
	}
	return more
}

// control is how many of the URLs' hosts can be reached by who asks no guard; the
// canary must hear each of them, but for those at the server's own port.
func control(t *testing.T, canary *canary, own string, all []string) (reached int) {
	t.Helper()
	audible := 0
	for _, raw := range all {
		u, err := url.Parse(raw)
		if err != nil || u.Hostname() == "" {
			continue
		}
		port := cmp.Or(u.Port(), map[string]string{"https": "443"}[u.Scheme], "80")
		conn, err := net.DialTimeout("tcp", net.JoinHostPort(u.Hostname(), port), 200*time.Millisecond)
		if err != nil {
			continue
		}
		conn.Close()
		reached++
		if port != own {
			audible++
		}
	}
	heard := 0
	harness.Eventually(t, "the canary hears whatever is dialled", func() bool {
		for _, n := range canary.take() {
			heard += n
		}
		return heard == audible
	})
	return reached
}

// What is allowed is reached: public addresses, ranges that the operator names,
// of a name's addresses the allowed ones only, and our own receiver.
func TestAllowedURLs(t *testing.T) {
	t.Parallel()
	if !network(t) {
		return
	}
	serveNames(t, resolver, lookUp)
	canary := newCanary(t)
	e := start(t, "--webhook-allow", "10.1.0.0/16,fd12::/16")
	const public = "http://93.184.216.34/"
	want := map[string]outcome{
		public: {204, ""}, "http://public.test:8080/hook?x=1": {204, ""}, "http://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/": {204, ""}, "http://[64:ff9b::93.184.216.34]/": {204, ""},
		"http://10.1.2.3/": {204, ""}, "http://private.test:8080/": {204, ""}, "http://[fd12::1]/": {204, ""}, "http://[::ffff:10.1.2.3]/": {204, ""}, "http://both.test/": {204, ""},
		"http://localhost:" + e.port() + "/api/webhooks/chatgpt/": {200, ""},
		"http://loop.test/": {0, guarded}, "http://meta.test/": {0, guarded}, "http://93.184.216.34:" + redirecting + "/": {307, "redirect"},
	}
	for u := range want {
		if sentence := e.set(u); sentence != "" {
			t.Errorf("%q is refused: %s", u, sentence)
		}
	}
	for _, u := range []string{"http://10.2.0.1/", "http://[fd13::1]/", "http://127.0.0.1/"} {
		if sentence := e.set(u); !strings.Contains(sentence, guarded) {
			t.Errorf("%q is not refused: %q", u, sentence)
		}
	}
	outcomes := e.deliver()
	for u, o := range want {
		if got := outcomes[u]; got.status != o.status || !strings.Contains(got.reason, o.reason) {
			t.Errorf("%q: %+v, want %+v", u, got, o)
		}
	}
	for at := range canary.take() {
		addr := netip.MustParseAddrPort(at)
		switch addr.Addr().String() {
		case "93.184.216.34", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::5db8:d822", "10.1.2.3", "fd12::1":
		default:
			t.Errorf("the canary was called at %s", at)
		}
		if fmt.Sprint(addr.Port()) == proxying {
			t.Errorf("a proxy was used")
		}
	}
}

// A name that was public when it was first looked up, and is not any more, is
// refused: what counts is the address that is dialled.
func TestRebinding(t *testing.T) {
	t.Parallel()
	if !network(t) {
		return
	}
	serveNames(t, resolver, lookUp)
	canary := newCanary(t)
	e := start(t)
	if sentence := e.set("http://" + rebound + "/"); sentence != "" {
		t.Fatal(sentence)
	}
	if got := e.deliver()["http://"+rebound+"/"]; got.status != http.StatusNoContent {
		t.Fatalf("while the name is public: %+v", got)
	}
	if heard := canary.take(); heard["93.184.216.34:80"] != 1 || len(heard) != 1 {
		t.Fatalf("the canary heard %v", heard)
	}
	if got := e.deliver()["http://"+rebound+"/"]; got.status != 0 || !strings.Contains(got.reason, guarded) {
		t.Errorf("once the name is loopback: %+v", got)
	}
	if heard := canary.take(); len(heard) > 0 {
		t.Errorf("the canary was called at %v", heard)
	}
}
