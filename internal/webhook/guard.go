package webhook

import (
	"fmt"
	"net/netip"
	"syscall"
)

// special lists the ranges that decide whether an address is reachable from
// anywhere: the IANA special-purpose registries of IPv4 and IPv6 as of July 2026
// (https://www.iana.org/assignments/iana-ipv4-special-registry and
// …-ipv6-special-registry, with their names there), what IPv6 has given out at
// all, multicast, and metadata services of clouds. The most specific range that
// holds an address counts. Where a registry says neither yes nor no (6to4,
// Teredo), it is no.
var special = []struct {
	prefix netip.Prefix
	name   string
	global bool
}{
	{p("0.0.0.0/0"), "an IPv4 address", true},
	{p("0.0.0.0/8"), "this network", false},
	{p("10.0.0.0/8"), "private use", false},
	{p("100.64.0.0/10"), "shared address space", false},
	{p("100.100.100.200/32"), "a cloud's metadata service", false},
	{p("127.0.0.0/8"), "loopback", false},
	{p("168.63.129.16/32"), "a cloud's metadata service", false},
	{p("169.254.0.0/16"), "link local", false},
	{p("169.254.169.254/32"), "a cloud's metadata service", false},
	{p("169.254.170.2/32"), "a cloud's metadata service", false},
	{p("172.16.0.0/12"), "private use", false},
	{p("192.0.0.0/24"), "IETF protocol assignments", false},
	{p("192.0.0.9/32"), "port control protocol anycast", true},
	{p("192.0.0.10/32"), "TURN anycast", true},
	{p("192.0.0.192/32"), "a cloud's metadata service", false},
	{p("192.0.2.0/24"), "documentation (TEST-NET-1)", false},
	{p("192.31.196.0/24"), "AS112-v4", true},
	{p("192.52.193.0/24"), "AMT", true},
	{p("192.88.99.0/24"), "deprecated 6to4 relay anycast", false},
	{p("192.88.99.2/32"), "6a44 relay anycast", false},
	{p("192.168.0.0/16"), "private use", false},
	{p("192.175.48.0/24"), "direct delegation AS112 service", true},
	{p("198.18.0.0/15"), "benchmarking", false},
	{p("198.51.100.0/24"), "documentation (TEST-NET-2)", false},
	{p("203.0.113.0/24"), "documentation (TEST-NET-3)", false},
	{p("224.0.0.0/4"), "multicast", false},
	{p("240.0.0.0/4"), "reserved", false},
	{p("255.255.255.255/32"), "limited broadcast", false},

	{p("::/0"), "outside of what IPv6 has given out", false},
	{p("2000::/3"), "IPv6 global unicast", true},
	{p("::/96"), "deprecated IPv4-compatible address", false},
	{p("::/128"), "unspecified address", false},
	{p("::1/128"), "loopback", false},
	{p("64:ff9b::/96"), "IPv4-IPv6 translation", true}, // judged by the IPv4 address inside
	{p("64:ff9b:1::/48"), "local IPv4-IPv6 translation", false},
	{p("100::/64"), "discard only", false},
	{p("100:0:0:1::/64"), "dummy prefix", false},
	{p("2001::/23"), "IETF protocol assignments", false},
	{p("2001::/32"), "Teredo", false},
	{p("2001:1::1/128"), "port control protocol anycast", true},
	{p("2001:1::2/128"), "TURN anycast", true},
	{p("2001:1::3/128"), "DNS-SD service registration anycast", true},
	{p("2001:2::/48"), "benchmarking", false},
	{p("2001:3::/32"), "AMT", true},
	{p("2001:4:112::/48"), "AS112-v6", true},
	{p("2001:10::/28"), "deprecated ORCHID", false},
	{p("2001:20::/28"), "ORCHIDv2", true},
	{p("2001:30::/28"), "drone remote identification", true},
	{p("2001:db8::/32"), "documentation", false},
	{p("2002::/16"), "6to4", false},
	{p("2620:4f:8000::/48"), "direct delegation AS112 service", true},
	{p("3fff::/20"), "documentation", false},
	{p("5f00::/16"), "segment routing identifiers", false},
	{p("fc00::/7"), "unique local", false},
	{p("fd00:ec2::254/128"), "a cloud's metadata service", false},
	{p("fd20:ce::254/128"), "a cloud's metadata service", false},
	{p("fe80::/10"), "link local", false},
	{p("fec0::/10"), "deprecated site local", false},
	{p("ff00::/8"), "multicast", false},
}

func p(s string) netip.Prefix { return netip.MustParsePrefix(s) }

var translated = p("64:ff9b::/96")

// isISATAP reports whether an address is one of RFC 5214: some prefix, and an
// interface identifier that holds the IPv4 address which a router would send to.
func isISATAP(addr netip.Addr) bool {
	b := addr.As16()
	return addr.Is6() && b[8]&^2 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe
}

// BlockedError says that an address is one which webhooks may not be sent to.
type BlockedError struct {
	Addr netip.Addr
	Name string // of the range, in the words of IANA's registry
}

func (e *BlockedError) Error() string {
	return fmt.Sprintf("The address %s is not allowed for webhooks (%s). Use an address that is reachable from anywhere, or start the server with --webhook-allow and its range.", e.Addr, e.Name)
}

// guard decides which addresses may be dialled.
type guard struct {
	allow    []netip.Prefix
	loopback bool
}

// check returns a *[BlockedError] for an address that may not be dialled.
func (g *guard) check(addr netip.Addr) error {
	bare := addr.WithZone("").Unmap() // a prefix holds no address with a zone
	if g.loopback && bare.IsLoopback() {
		return nil
	}
	if translated.Contains(bare) {
		b := bare.As16()
		bare = netip.AddrFrom4([4]byte(b[12:]))
	}
	for _, allowed := range g.allow {
		if allowed.Contains(bare) || allowed.Contains(addr.WithZone("")) {
			return nil
		}
	}
	best := -1
	name, global := "not an address", false
	for _, s := range special {
		if s.prefix.Bits() > best && s.prefix.Contains(bare) {
			best, name, global = s.prefix.Bits(), s.name, s.global
		}
	}
	if global && isISATAP(bare) {
		name, global = "ISATAP", false
	}
	if !global {
		return &BlockedError{Addr: addr, Name: name}
	}
	return nil
}

// control is a [net.Dialer]'s Control: it sees the very address that is about
// to be dialled, after every look-up, so that no name can change its mind in
// between.
func (g *guard) control(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("reading the address to dial: %w", err)
	}
	return g.check(ap.Addr())
}
