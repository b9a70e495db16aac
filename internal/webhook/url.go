package webhook

import (
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"chatbridge/internal/bridge"
)

const (
	maxURL         = 2048 // bytes: as long as browsers and proxies take
	maxHost        = 253  // RFC 1035
	maxHeaders     = 20   // an endpoint's own headers; more is a mistake
	maxHeaderBytes = 4096 // names and values of all of them: well below what servers take in one
)

// CheckURL says whether webhooks may be sent to raw, for the moment when a URL
// is set: http or https, with a host, a valid port, no credentials and no
// fragment, at most 2,048 bytes; an address instead of a name is judged at
// once. (What a name means is judged each time it is dialled.) Errors: Invalid
// with code "webhook_url", a sentence that tells the remedy.
func (c *Client) CheckURL(raw string) error {
	if len(raw) > maxURL {
		return refused("The webhook URL has %d bytes; at most %d are taken.", len(raw), maxURL)
	}
	if strings.ContainsFunc(raw, func(r rune) bool {
		return r == '\\' || unicode.IsSpace(r) || unicode.IsControl(r) || r == unicode.ReplacementChar
	}) {
		return refused("The webhook URL contains a blank, a backslash or a control character. Leave it out, or write it as %% and two hexadecimal digits.")
	}
	u, err := url.Parse(raw)
	if err != nil {
		return refused("The webhook URL cannot be read. Write it like https://example.com/hook.")
	}
	if err := checkParts(u); err != nil {
		return err
	}
	if strings.Contains(raw, "#") {
		return refused("The webhook URL has a fragment (#…), which is never sent. Leave it out.")
	}
	if c.own(u) {
		return nil
	}
	return c.checkHost(u.Hostname())
}

// checkParts checks all of a URL but where its host is.
func checkParts(u *url.URL) error {
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return refused("A webhook URL begins with http:// or https://.")
	case u.User != nil:
		return refused("The webhook URL contains a user name or password. Leave it out; a header of the endpoint can carry a credential.")
	case u.Hostname() == "" || len(u.Hostname()) > maxHost:
		return refused("The webhook URL has no valid host. Write it like https://example.com/hook.")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return refused("The port of the webhook URL is not between 1 and 65535.")
		}
	}
	return nil
}

// checkHost judges what a host says without a look-up.
func (c *Client) checkHost(host string) error {
	if addr, err := netip.ParseAddr(host); err == nil {
		return c.checkAddr(addr)
	}
	if isLoopback(host) {
		if c.checkAddr(netip.IPv6Loopback()) == nil {
			return nil
		}
		return c.checkAddr(netip.AddrFrom4([4]byte{127, 0, 0, 1}))
	}
	if strings.ContainsFunc(host, func(r rune) bool { return r < utf8.RuneSelf && r != '.' && r != '-' && r != '_' && !isAlphanumeric(r) }) {
		return refused("The host of the webhook URL contains a character that names do not have. Write it like https://example.com/hook.")
	}
	// Some resolvers read 2130706433, 0x7f.1 or 0177.0.0.1 as addresses. Dots, digits
	// and letters have further forms, which mean the same in a name (UTS #46).
	last := strings.TrimSuffix(strings.NewReplacer("。", ".", "．", ".", "｡", ".").Replace(strings.ToLower(host)), ".")
	last = last[strings.LastIndexByte(last, '.')+1:]
	first, _ := utf8.DecodeRuneInString(last)
	wide := strings.ContainsFunc(last, func(r rune) bool { return r >= utf8.RuneSelf })
	if !strings.ContainsFunc(last, unicode.IsLetter) || wide && !unicode.IsLetter(first) || strings.HasPrefix(last, "0x") && strings.Trim(last[2:], "0123456789abcdef") == "" {
		return refused("The host of the webhook URL is neither a name nor an address. Write an IPv4 address as four decimal numbers, like 203.0.113.7.")
	}
	return nil
}

func (c *Client) checkAddr(addr netip.Addr) error {
	if err := c.guard.check(addr); err != nil {
		return refused("%s", err)
	}
	return nil
}

// CheckHeaders says whether an endpoint may have these headers of its own: at
// most 20, of 4 KiB in all, none of those that sign, say what is sent, or belong
// to the connection. Errors: Invalid with field "headers". The sentence tells
// names, never values.
func CheckHeaders(h map[string]string) error {
	bad := func(format string, args ...any) error {
		err := bridge.Errorf(bridge.Invalid, "invalid", format, args...)
		err.Fields = map[string][]string{"headers": {err.Detail}}
		return err
	}
	if len(h) > maxHeaders {
		return bad("The endpoint has %d headers; at most %d are taken.", len(h), maxHeaders)
	}
	size, seen := 0, map[string]bool{}
	for name, value := range h {
		size += len(name) + len(value)
		canonical := http.CanonicalHeaderKey(name)
		switch {
		case !isToken(name) || len(name) > maxHeaderBytes:
			return bad("%q is not the name of a header.", printable([]byte(name), maxErrorText))
		case reserved(name):
			return bad("The header %s is set by the server. Leave it out.", canonical)
		case seen[canonical]:
			return bad("The header %s is there twice. Join its values.", canonical)
		case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
			return bad("The value of the header %s contains a control character. Remove it.", canonical)
		}
		seen[canonical] = true
	}
	if size > maxHeaderBytes {
		return bad("The endpoint's headers have %d bytes; at most %d are taken.", size, maxHeaderBytes)
	}
	return nil
}

// isToken is RFC 9110's token, the shape of a header's name.
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !isAlphanumeric(r) && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	})
}

func isAlphanumeric(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

// reserved reports whether a header is not an endpoint's to choose: the ones
// that sign, say what is sent, or belong to the connection.
func reserved(name string) bool {
	name = http.CanonicalHeaderKey(name)
	switch name {
	case "Host", "Content-Type", "Content-Length", "Content-Encoding", "Transfer-Encoding", "Connection", "Keep-Alive",
		"Proxy-Connection", "Te", "Trailer", "Upgrade", "Expect", "User-Agent", "Idempotency-Key", "X-Idempotency-Key":
		return true
	}
	return strings.HasPrefix(name, "Webhook-")
}

func refused(format string, args ...any) error {
	return bridge.Errorf(bridge.Invalid, "webhook_url", format, args...)
}
