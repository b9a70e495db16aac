package webhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"

	"chatbridge/internal/bridge"
)

// judge is the sentence for an answer's status, "" for success.
func judge(status int) string {
	switch {
	case status >= 200 && status < 300:
		return ""
	case status >= 300 && status < 400:
		return fmt.Sprintf("The endpoint answered %d, a redirect. Redirects are not followed: set the URL to where it leads.", status)
	default:
		return fmt.Sprintf("The endpoint answered %d %s.", status, http.StatusText(status))
	}
}

// explain is the sentence for a try that got no answer. It never contains the
// URL, of which path and query may be secret. req is nil if there was none yet.
func (c *Client) explain(err error, req *http.Request) string {
	if req == nil {
		return bridge.AsError(err).Detail
	}
	host := req.Host
	if blocked, ok := errors.AsType[*BlockedError](err); ok {
		return blocked.Error()
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		switch {
		case dns.IsNotFound:
			return fmt.Sprintf("The name of %s was not found (DNS).", host)
		case dns.IsTimeout:
			return fmt.Sprintf("The look-up of the name of %s took too long (DNS).", host)
		default:
			return fmt.Sprintf("The name of %s could not be looked up (DNS).", host)
		}
	}
	if sentence := explainTLS(err, host); sentence != "" {
		return sentence
	}
	dial, _ := errors.AsType[*net.OpError](err)
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, context.Canceled):
		return "The try was broken off, because the server was stopping."
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("%s did not answer within %s.", host, c.opt.Timeout)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("%s refused the connection: nothing listens there.", host)
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return fmt.Sprintf("There is no way from this server to %s.", host)
	case errors.Is(err, os.ErrDeadlineExceeded) && dial != nil && dial.Op == "dial":
		return fmt.Sprintf("%s could not be connected to within %s.", host, c.opt.DialTimeout)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return fmt.Sprintf("%s closed the connection without an answer.", host)
	case strings.Contains(err.Error(), "malformed HTTP"):
		return fmt.Sprintf("What %s answered is not HTTP/1.1.", host)
	case strings.Contains(err.Error(), "response headers exceeded"):
		return fmt.Sprintf("The head of the answer of %s is longer than %d KiB.", host, maxHead>>10)
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Sprintf("%s did not finish the TLS handshake within %s.", host, c.opt.TLSTimeout)
	default:
		return printable([]byte(fmt.Sprintf("The try failed: %v.", err)), maxErrorText)
	}
}

// explainTLS is the sentence for an error of TLS, "" for any other.
func explainTLS(err error, host string) string {
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return fmt.Sprintf("%s does not speak TLS on this port: use http:// or another port.", host)
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return fmt.Sprintf("The certificate of %s is for another name (TLS).", host)
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return fmt.Sprintf("The certificate of %s is not from an authority that this server knows (TLS).", host)
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return fmt.Sprintf("The certificate of %s has expired or is not valid yet (TLS).", host)
	}
	if bad, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return printable([]byte(fmt.Sprintf("The certificate of %s is not valid (TLS): %v.", host, bad.Err)), maxErrorText)
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" {
		return fmt.Sprintf("%s refused the TLS handshake: %v.", host, op.Err)
	}
	return ""
}
