package webhook

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// ReceiverPath is where a chatbridge takes webhooks itself.
const ReceiverPath = "/api/webhooks/chatgpt/"

// OwnReceiver returns the rule that tells the URLs of our own receiver: its
// path (the last slash is optional) on a loopback name with our port, or on
// the host of publicURL (nil if there is none), with its port or, where that is
// a scheme's default, with either scheme's.
func OwnReceiver(port int, publicURL *url.URL) func(*url.URL) bool {
	return func(u *url.URL) bool {
		if u.Scheme != "http" && u.Scheme != "https" {
			return false
		}
		if isReceiver(u.Path, "") && isLoopback(u.Hostname()) && portOf(u) == strconv.Itoa(port) {
			return true
		}
		return publicURL != nil && isReceiver(u.Path, publicURL.Path) && host(u) == host(publicURL) && samePort(u, publicURL)
	}
}

// isReceiver reports whether path is the receiver's, below the path at which a
// proxy in front of us may have put the whole server.
func isReceiver(path, below string) bool {
	return strings.TrimSuffix(path, "/") == strings.TrimSuffix(below, "/")+strings.TrimSuffix(ReceiverPath, "/")
}

func isLoopback(name string) bool {
	if addr, err := netip.ParseAddr(name); err == nil {
		return addr.WithZone("").Unmap().IsLoopback()
	}
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	return name == "localhost" || strings.HasSuffix(name, ".localhost") // RFC 6761, 6.3
}

func host(u *url.URL) string { return strings.TrimSuffix(strings.ToLower(u.Hostname()), ".") }

// portOf is the port that u means.
func portOf(u *url.URL) string {
	switch port := u.Port(); {
	case port != "":
		return port
	case u.Scheme == "https":
		return "443"
	default:
		return "80"
	}
}

func samePort(u, public *url.URL) bool {
	byDefault := func(u *url.URL) bool { port := portOf(u); return port == "80" || port == "443" }
	return portOf(u) == portOf(public) || byDefault(u) && byDefault(public)
}
