package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The headers of Standard Webhooks.
const (
	HeaderID        = "Webhook-Id"
	HeaderTimestamp = "Webhook-Timestamp"
	HeaderSignature = "Webhook-Signature"
)

const (
	secretPrefix  = "whsec_"
	secretBytes   = 32              // as many as the hash gives; the specification asks for 24 to 64
	tolerance     = 5 * time.Minute // between two clocks, in both directions
	maxSignatures = 16              // a rotation has two; more only costs us hashing
	maxStampChars = 12              // digits of a Unix time, for the next 30,000 years
)

// What is wrong with a message that does not verify.
var (
	ErrHeaders   = errors.New("the headers webhook-id, webhook-timestamp or webhook-signature are missing or malformed")
	ErrTimestamp = errors.New("webhook-timestamp is more than five minutes away from this server's clock")
	ErrSignature = errors.New("no signature in webhook-signature matches")
)

// NewSecret returns a fresh secret: "whsec_" and 32 random bytes in base64.
func NewSecret() string {
	var b [secretBytes]byte
	_, _ = rand.Read(b[:]) // never fails, see its documentation
	return secretPrefix + base64.StdEncoding.EncodeToString(b[:])
}

// Sign returns the signature of one message with one secret, "v1,…", as
// https://www.standardwebhooks.com has it: HMAC-SHA256 over id, Unix time and
// body, joined by dots. It fails for a secret that is not base64; the error
// does not contain it.
func Sign(secret, id string, at time.Time, body []byte) (string, error) {
	return sign(secret, id, strconv.FormatInt(at.Unix(), 10), body)
}

func sign(secret, id, stamp string, body []byte) (string, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, secretPrefix))
	if err != nil || len(key) == 0 {
		return "", errors.New("the endpoint's secret is not whsec_ and base64: make a new one")
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + stamp + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)), nil
}

// SetHeaders signs the message with every secret and sets the three headers.
// secrets are those valid now, newest first, so that a receiver which looks at
// the first signature only is right soonest.
func SetHeaders(h http.Header, secrets []string, id string, at time.Time, body []byte) error {
	signatures := make([]string, len(secrets))
	for i, secret := range secrets {
		var err error
		if signatures[i], err = Sign(secret, id, at, body); err != nil {
			return fmt.Errorf("signing webhook %s: %w", id, err)
		}
	}
	h.Set(HeaderID, id)
	h.Set(HeaderTimestamp, strconv.FormatInt(at.Unix(), 10))
	h.Set(HeaderSignature, strings.Join(signatures, " "))
	return nil
}

// Verify checks that body was signed with one of secrets, at most five minutes
// before or after now. Errors: [ErrHeaders], [ErrTimestamp], [ErrSignature].
// It compares in constant time. A secret that is not base64 matches nothing.
func Verify(secrets []string, h http.Header, body []byte, now time.Time) error {
	id, stamp := h.Get(HeaderID), h.Get(HeaderTimestamp)
	given := parseSignatures(h.Get(HeaderSignature))
	at, ok := parseStamp(stamp)
	if id == "" || !ok || len(given) == 0 {
		return ErrHeaders
	}
	if off := now.Unix() - at; off > int64(tolerance/time.Second) || off < -int64(tolerance/time.Second) {
		return ErrTimestamp
	}
	for _, secret := range secrets {
		want, err := sign(secret, id, stamp, body)
		if err != nil {
			continue
		}
		for _, g := range given {
			if hmac.Equal([]byte(g), []byte(want)) {
				return nil
			}
		}
	}
	return ErrSignature
}

// parseSignatures returns the "v1,…" entries of a webhook-signature header, at
// most maxSignatures. Other versions are none of our business.
func parseSignatures(header string) []string {
	var out []string
	for s := range strings.SplitSeq(header, " ") {
		if sig, ok := strings.CutPrefix(s, "v1,"); ok && sig != "" && len(out) < maxSignatures {
			out = append(out, s)
		}
	}
	return out
}

// parseStamp reads a Unix time: digits only, because the signature covers the
// text and the check the number.
func parseStamp(s string) (int64, bool) {
	if s == "" || len(s) > maxStampChars || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}
