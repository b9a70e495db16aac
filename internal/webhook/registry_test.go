package webhook

import (
	"net/netip"
	"strings"
	"testing"
)

// registry is what IANA's special-purpose registries said in July 2026, block
// and "Globally Reachable" (n/a and blank: no), and the multicast ranges.
const registry = `
0.0.0.0/8 no          0.0.0.0/32 no        10.0.0.0/8 no          100.64.0.0/10 no     127.0.0.0/8 no      169.254.0.0/16 no
172.16.0.0/12 no      192.0.0.0/24 no      192.0.0.0/29 no        192.0.0.8/32 no      192.0.0.9/32 yes    192.0.0.10/32 yes
192.0.0.170/32 no     192.0.0.171/32 no    192.0.2.0/24 no        192.31.196.0/24 yes  192.52.193.0/24 yes 192.88.99.0/24 no
192.88.99.2/32 no     192.168.0.0/16 no    192.175.48.0/24 yes    198.18.0.0/15 no     198.51.100.0/24 no  203.0.113.0/24 no
240.0.0.0/4 no        255.255.255.255/32 no 224.0.0.0/4 no
::1/128 no            ::/128 no            64:ff9b:1::/48 no      100::/64 no          100:0:0:1::/64 no   2001::/23 no
2001::/32 no          2001:1::1/128 yes    2001:1::2/128 yes      2001:1::3/128 yes    2001:2::/48 no      2001:3::/32 yes
2001:4:112::/48 yes   2001:10::/28 no      2001:20::/28 yes       2001:30::/28 yes     2001:db8::/32 no    2002::/16 no
2620:4f:8000::/48 yes 3fff::/20 no         5f00::/16 no           fc00::/7 no          fe80::/10 no        ff00::/8 no
`

type registered struct {
	prefix netip.Prefix
	global bool
}

func rows() (out []registered) {
	words := strings.Fields(registry)
	for i := 0; i < len(words); i += 2 {
		out = append(out, registered{netip.MustParsePrefix(words[i]), words[i+1] == "yes"})
	}
	return out
}

// reachable says slowly, and by other means than the guard, whether an address
// is reachable from anywhere.
func reachable(addr netip.Addr) bool {
	addr = addr.WithZone("")
	if addr.Is4In6() {
		return reachable(addr.Unmap())
	}
	if addr.Is6() {
		b := addr.As16()
		if s := addr.StringExpanded(); strings.HasPrefix(s, "0064:ff9b:0000:0000:0000:0000:") {
			return reachable(netip.AddrFrom4([4]byte(b[12:])))
		} else if s[0] != '2' && s[0] != '3' || s[20:29] == "0000:5efe" || s[20:29] == "0200:5efe" {
			return false
		}
	} else if addr == netip.MustParseAddr("168.63.129.16") {
		return false
	}
	if addr.IsLoopback() || addr.IsPrivate() || addr.IsMulticast() || addr.IsLinkLocalUnicast() || addr.IsUnspecified() {
		return false
	}
	bits, global := -1, true
	for _, row := range rows() {
		if p, err := addr.Prefix(row.prefix.Bits()); err == nil && p == row.prefix && row.prefix.Bits() > bits {
			bits, global = row.prefix.Bits(), row.global
		}
	}
	return global
}

// Each block of the registries is judged as they say, from its first address to
// its last, and so are its neighbours.
func TestRegistries(t *testing.T) {
	g := &guard{}
	judge := func(addr netip.Addr) {
		t.Helper()
		if addr.IsValid() && (g.check(addr) == nil) != reachable(addr) {
			t.Errorf("%s: %v, but reachable: %v", addr, g.check(addr), reachable(addr))
		}
	}
	for _, row := range rows() {
		first, last := row.prefix.Addr(), lastOf(row.prefix)
		for _, addr := range []netip.Addr{first, last} {
			if reachable(addr) != row.global && !nested(row.prefix, addr) {
				t.Errorf("%s of %s: the test itself says %v", addr, row.prefix, reachable(addr))
			}
		}
		for _, addr := range []netip.Addr{first, last, first.Prev(), last.Next()} {
			judge(addr)
			if addr.Is4() {
				v6 := addr.As16() // mapped
				judge(netip.AddrFrom16(v6))
				copy(v6[:12], []byte{0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0})
				judge(netip.AddrFrom16(v6))
			}
		}
	}
}

// nested reports whether another block, inside this one, holds the address.
func nested(p netip.Prefix, addr netip.Addr) bool {
	for _, row := range rows() {
		if row.prefix != p && row.prefix.Bits() > p.Bits() && row.prefix.Contains(addr) {
			return true
		}
	}
	return false
}

func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	last, _ := netip.AddrFromSlice(b)
	return last
}
