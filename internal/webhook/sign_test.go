package webhook

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"pgregory.net/rapid"
)

const vectorSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// The vector of the Standard Webhooks libraries.
func TestSignVector(t *testing.T) {
	got, err := Sign(vectorSecret, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; err != nil || got != want {
		t.Fatalf("Sign = %q, %v, want %q", got, err, want)
	}
}

func TestNewSecret(t *testing.T) {
	one, two := NewSecret(), NewSecret()
	if one == two || !strings.HasPrefix(one, "whsec_") || len(one) != len("whsec_")+44 {
		t.Fatalf("NewSecret = %q, %q", one, two)
	}
}

// Whatever we sign verifies with the official library under each secret, and
// what it signs verifies here.
func TestAgainstOfficialLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := "msg_" + rapid.StringMatching(`[a-z0-9]{1,40}`).Draw(t, "id")
		body := rapid.SliceOf(rapid.Byte()).Draw(t, "body")
		secrets := make([]string, rapid.IntRange(1, 3).Draw(t, "secrets"))
		for i := range secrets {
			secrets[i] = NewSecret()
		}
		now := time.Now()
		h := http.Header{}
		if err := SetHeaders(h, secrets, id, now, body); err != nil {
			t.Fatal(err)
		}
		for _, secret := range secrets {
			official, err := standardwebhooks.NewWebhook(secret)
			if err != nil {
				t.Fatal(err)
			}
			if err := official.Verify(body, h); err != nil {
				t.Fatalf("the official library refuses ours: %v", err)
			}
			theirs, err := official.Sign(id, now, body)
			if err != nil {
				t.Fatal(err)
			}
			g := http.Header{HeaderID: {id}, HeaderTimestamp: {strconv.FormatInt(now.Unix(), 10)}, HeaderSignature: {theirs}}
			if err := Verify(secrets, g, body, now); err != nil {
				t.Fatalf("we refuse the official library's: %v", err)
			}
		}
		if err := Verify([]string{NewSecret()}, h, body, now); !errors.Is(err, ErrSignature) {
			t.Fatalf("another secret: %v", err)
		}
	})
}

func TestSignRefusesBadSecret(t *testing.T) {
	for _, secret := range []string{"", "whsec_", "whsec_???", "whsec_abc"} {
		_, err := Sign(secret, "msg_1", time.Now(), nil)
		if err == nil {
			t.Errorf("secret %q was taken", secret)
		} else if rest := strings.TrimPrefix(secret, "whsec_"); rest != "" && strings.Contains(err.Error(), rest) {
			t.Errorf("the error shows the secret: %v", err)
		}
	}
}

func TestVerify(t *testing.T) {
	now, body, secret := time.Unix(1_800_000_000, 0), []byte(`{"a":1}`), NewSecret()
	signed := func(at time.Time, change func(http.Header)) http.Header {
		h := http.Header{}
		if err := SetHeaders(h, []string{secret}, "msg_1", at, body); err != nil {
			t.Fatal(err)
		}
		if change != nil {
			change(h)
		}
		return h
	}
	set := func(name, value string) func(http.Header) { return func(h http.Header) { h.Set(name, value) } }
	tests := []struct {
		name string
		h    http.Header
		want error
	}{
		{"good", signed(now, nil), nil},
		{"five minutes old", signed(now.Add(-5*time.Minute), nil), nil},
		{"five minutes ahead", signed(now.Add(5*time.Minute), nil), nil},
		{"too old", signed(now.Add(-5*time.Minute-time.Second), nil), ErrTimestamp},
		{"too new", signed(now.Add(5*time.Minute+time.Second), nil), ErrTimestamp},
		{"no headers", http.Header{}, ErrHeaders},
		{"no id", signed(now, func(h http.Header) { h.Del(HeaderID) }), ErrHeaders},
		{"no timestamp", signed(now, func(h http.Header) { h.Del(HeaderTimestamp) }), ErrHeaders},
		{"no signature", signed(now, func(h http.Header) { h.Del(HeaderSignature) }), ErrHeaders},
		{"timestamp with a sign", signed(now, set(HeaderTimestamp, "+1800000000")), ErrHeaders},
		{"huge timestamp", signed(now, set(HeaderTimestamp, strings.Repeat("9", 30))), ErrHeaders},
		{"another id", signed(now, set(HeaderID, "msg_2")), ErrSignature},
		{"another time", signed(now, set(HeaderTimestamp, "1800000001")), ErrSignature},
		{"another version", signed(now, func(h http.Header) { h.Set(HeaderSignature, "v2"+h.Get(HeaderSignature)[2:]) }), ErrHeaders},
		{"empty signature", signed(now, set(HeaderSignature, "v1,")), ErrHeaders},
		{"shorter signature", signed(now, func(h http.Header) { h.Set(HeaderSignature, h.Get(HeaderSignature)[:10]) }), ErrSignature},
		{"among others", signed(now, func(h http.Header) {
			h.Set(HeaderSignature, "v1,AAAA v1a,xyz  "+h.Get(HeaderSignature)+" v1,BBBB")
		}), nil},
		{"after too many others", signed(now, func(h http.Header) {
			h.Set(HeaderSignature, strings.Repeat("v1,AAAA ", maxSignatures)+h.Get(HeaderSignature))
		}), ErrSignature},
	}
	for _, tt := range tests {
		if err := Verify([]string{"not base64", secret}, tt.h, body, now); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
	if err := Verify([]string{secret}, signed(now, nil), append(body, ' '), now); !errors.Is(err, ErrSignature) {
		t.Errorf("another body: %v", err)
	}
	if err := Verify(nil, signed(now, nil), body, now); !errors.Is(err, ErrSignature) {
		t.Errorf("no secrets: %v", err)
	}
}

func FuzzParseSignatures(f *testing.F) {
	for _, seed := range []string{"", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "v1,a v1,b", "v2,x  v1,", ",", "v1", "v1a,b v1,\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		got := parseSignatures(header)
		if len(got) > maxSignatures {
			t.Fatalf("%d signatures", len(got))
		}
		for _, s := range got {
			if !strings.HasPrefix(s, "v1,") || len(s) == len("v1,") || strings.Contains(s, " ") || !strings.Contains(header, s) {
				t.Fatalf("parseSignatures(%q) has %q", header, s)
			}
		}
		h := http.Header{HeaderID: {"msg_1"}, HeaderTimestamp: {"1800000000"}, HeaderSignature: {header}}
		if Verify([]string{vectorSecret}, h, []byte("unsigned"), time.Unix(1_800_000_000, 0)) == nil {
			want, _ := Sign(vectorSecret, "msg_1", time.Unix(1_800_000_000, 0), []byte("unsigned"))
			if !strings.Contains(header, want) {
				t.Fatalf("%q verifies", header)
			}
		}
	})
}
