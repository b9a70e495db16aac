package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
)

// signer signs the stream URLs of requests. Whoever has such a URL may read the
// request's stream until 24 h after its end; how long that is, the store knows.
type signer []byte

const (
	signatureParameter = "sig"
	signatureBytes     = 16 // of the HMAC: 128 bits cannot be guessed
)

func (k signer) signature(requestID string) string {
	mac := hmac.New(sha256.New, k)
	mac.Write([]byte("stream:" + requestID))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:signatureBytes])
}

// streamURL is the request's stream, relative to the server, for SSE; for
// WebSocket the same query is valid.
func (k signer) streamURL(requestID string) string {
	return "/api/sse/" + requestID + "/?" + signatureParameter + "=" + k.signature(requestID)
}

func (k signer) verify(requestID, signature string) bool {
	return subtle.ConstantTimeCompare([]byte(k.signature(requestID)), []byte(signature)) == 1
}

// StreamURLs makes the signed stream URL of a request, with the key that
// Options.StreamKey has.
func StreamURLs(key []byte) func(requestID string) string { return signer(key).streamURL }
