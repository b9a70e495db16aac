package api

import (
	"net/http"
	"testing"
)

// Browsers heed Cross-Origin-Opener-Policy where they trust an origin; elsewhere it
// is an error on the console of every page.
func TestOpenerPolicy(t *testing.T) {
	for _, c := range []struct {
		host   string
		secure bool
		want   string
	}{
		{"localhost:8080", false, "same-origin"},
		{"127.0.0.1", false, "same-origin"},
		{"[::1]:8080", false, "same-origin"},
		{"192.168.1.5:8080", false, ""},
		{"bridge.lan", false, ""},
		{"localhost.example", false, ""},
		{"bridge.example", true, "same-origin"},
	} {
		s, h := &Server{o: Options{Secure: c.secure}}, http.Header{}
		s.setSecurityHeaders(h, c.host, "/")
		if got := h.Get("Cross-Origin-Opener-Policy"); got != c.want {
			t.Errorf("%s, https %v: %q", c.host, c.secure, got)
		}
	}
}
