package bridge

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

// MinOwnKey is the fewest characters of an API key that a person may bring.
const MinOwnKey = 32

const prefixLength = 8

// NewSecretKey makes a key with 256 random bits behind a prefix that tells what
// it is for, such as "cb_".
func NewSecretKey(prefix string) string {
	var b [32]byte
	rand.Read(b[:])
	return prefix + base64.RawURLEncoding.EncodeToString(b[:])
}

// HashKey is what is stored of a key. A plain SHA-256 is enough for 256 random
// bits; looking a key up by its hash gives nothing away by its timing.
func HashKey(key string) []byte {
	h := sha256.Sum256([]byte(key))
	return h[:]
}

// KeyPrefix is the part of a key that may be shown later.
func KeyPrefix(key string) string { return cut(key, prefixLength) }
