package api

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

const (
	// pagePolicy lets our pages load what is ours, and nothing else.
	pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
		"base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types dompurify"
	// dataPolicy is for what is no page: should a browser show it as one, it may nothing.
	dataPolicy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	// noPermissions: our pages need none of what a page can ask for.
	noPermissions = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"
	// httpsLasts is how long browsers keep to https after a visit: a year, in seconds.
	httpsLasts = "max-age=31536000"
)

// setSecurityHeaders sets what every answer has. Pages set their own policy over it.
func (s *Server) setSecurityHeaders(h http.Header, host, path string) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Resource-Policy", "same-origin") // of what pages embed; CORS is not met by it
	h.Set("Content-Security-Policy", dataPolicy)
	h.Set("Permissions-Policy", noPermissions)
	if s.o.Secure || loopbackHost(host) { // elsewhere browsers ignore it, and say so on each page's console
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
	}
	if s.o.Secure {
		h.Set("Strict-Transport-Security", httpsLasts)
	}
	if under(path, "/api") {
		h.Set("Cache-Control", "no-store")
	}
}

// origins are --cors-origins as browsers write an Origin; nil where any may.
func origins(listed []string) []string {
	var out []string
	for _, o := range listed {
		if o = strings.TrimSuffix(strings.ToLower(strings.TrimSpace(o)), "/"); o == "*" {
			return nil
		}
		out = append(out, o)
	}
	return out
}

// cors lets pages of other origins use the client API; the key is the guard. It
// reports whether the request was a preflight, which it has answered.
func (s *Server) cors(w http.ResponseWriter, r *http.Request, path string) (answered bool) {
	if !under(path, "/api/chat", "/api/sse", "/v1") {
		return false
	}
	h, origin := w.Header(), r.Header.Get("Origin")
	if s.o.CORSOrigins != nil {
		h.Add("Vary", "Origin") // also where none came: a cache must not keep that answer for all
	}
	switch {
	case origin == "":
		return false
	case s.o.CORSOrigins == nil:
		h.Set("Access-Control-Allow-Origin", "*")
	case slices.Contains(s.o.CORSOrigins, origin):
		h.Set("Access-Control-Allow-Origin", origin)
	default:
		return false
	}
	h.Set("Access-Control-Expose-Headers", "Link, Looked-Back-To, Retry-After")
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	h.Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
	h.Set("Access-Control-Allow-Headers", "authorization, content-type, idempotency-key, last-event-id, x-api-key, cache-control")
	h.Set("Access-Control-Max-Age", "86400")
	w.WriteHeader(http.StatusNoContent)
	return true
}

// loopbackHost reports whether a Host header names this machine itself. A page
// of another site whose name was made to point here sends its own name.
func loopbackHost(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	name = strings.TrimSuffix(strings.ToLower(strings.Trim(name, "[]")), ".")
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(name)
	return err == nil && ip.Unmap().IsLoopback()
}
