package api

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/crypto/argon2"
	"golang.org/x/time/rate"

	"chatbridge/internal/bridge"
)

const (
	sessionCookie = "chatbridge_session"
	sessionLasts  = 30 * 24 * time.Hour
	// LinkLasts is how long a one-time link may be used.
	LinkLasts         = time.Hour
	minPassword       = 12 // characters
	maxPassword       = 1024
	loginsPerMinute   = 10 // guesses of the password; argon2 costs memory too
	passwordsInFlight = 2
)

// Argon2id's costs, as RFC 9106 section 4 recommends where memory is scarce:
// 3 passes over 64 MiB.
const (
	argonTime    = 3
	argonMemory  = 64 << 10 // KiB
	argonThreads = 4
	argonKey     = 32
)

// HashPassword makes what is stored of a password (PHC string format). Errors:
// Invalid.
func HashPassword(password string) (string, error) {
	if n := len([]rune(password)); n < minPassword || n > maxPassword {
		return "", &bridge.Error{Kind: bridge.Invalid, Code: "invalid", Detail: "Choose a password of at least 12 characters.",
			Fields: map[string][]string{"password": {"Choose a password of at least 12 characters."}}}
	}
	salt := make([]byte, 16)
	rand.Read(salt)
	sum := argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonThreads, argonKey)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonThreads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum)), nil
}

// CheckPassword reports whether a password is the one that hash was made of.
func CheckPassword(hash, password string) bool {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false
	}
	var memory, passes uint32
	var threads uint8
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &passes, &threads); err != nil {
		return false
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	want, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(want) == 0 {
		return false
	}
	got := argon2.IDKey([]byte(password), salt, passes, memory, threads, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1
}

// attemptsLimit bounds guesses of the password and the memory they take.
type attemptsLimit struct {
	rate  *rate.Limiter
	slots chan struct{}
}

func newAttemptsLimit() *attemptsLimit {
	return &attemptsLimit{rate: rate.NewLimiter(rate.Every(time.Minute/loginsPerMinute), loginsPerMinute), slots: make(chan struct{}, passwordsInFlight)}
}

func (l *attemptsLimit) run(work func()) error {
	if !l.rate.Allow() {
		return &bridge.Error{Kind: bridge.TooMany, Code: "too_many_attempts", Detail: "Too many log-ins. Wait a minute, then try again.", RetryAfter: time.Minute}
	}
	l.slots <- struct{}{}
	defer func() { <-l.slots }()
	work()
	return nil
}

type cookieAnswer struct {
	SetCookie *http.Cookie `header:"Set-Cookie"`
}

func (s *Server) cookie(value string, age int) *http.Cookie {
	return &http.Cookie{Name: sessionCookie, Value: value, Path: "/", MaxAge: age, HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: s.o.Secure}
}

func newSession() (secret string, c *bridge.Credential) {
	secret = bridge.NewSecretKey("")
	return secret, &bridge.Credential{Kind: "session", Hash: bridge.HashKey(secret), ExpiresAt: time.Now().Add(sessionLasts)}
}

// identifyAdmin lets an operation of the panel through for a session, if the
// request comes from our own page, or for an admin token.
func (s *Server) identifyAdmin(c huma.Context, next func(huma.Context)) {
	kind, secret := "token", keyOf(http.Header{"Authorization": {c.Header("Authorization")}})
	if secret == "" {
		kind, secret = "session", cookieOf(c)
	}
	err := s.validCredential(c.Context(), kind, secret)
	if err != nil {
		s.writeProblem(c, problemOf(s.o.Log, err))
		return
	}
	next(c)
}

func cookieOf(c huma.Context) string {
	cookie, err := huma.ReadCookie(c, sessionCookie)
	if err != nil {
		return ""
	}
	return cookie.Value
}

func (s *Server) validCredential(ctx context.Context, kind, secret string) error {
	if secret != "" {
		have, err := s.o.Store.Credential(ctx, kind, bridge.HashKey(secret))
		if err != nil {
			return err
		}
		if have != nil && (have.ExpiresAt.IsZero() || time.Now().Before(have.ExpiresAt)) {
			return nil
		}
	}
	return bridge.Errorf(bridge.Unauthorized, "unauthorized", "Log in at /admin/, or send an admin token as Authorization: Bearer.")
}

type sessionState struct {
	Authenticated bool `json:"authenticated"`
	SetupNeeded   bool `json:"setup_needed" doc:"No password is set yet: use the link that serve prints, or chatbridge admin link"`
}

func (s *Server) adminSession(ctx context.Context, in *struct {
	Session string `cookie:"chatbridge_session"`
}) (*struct{ Body sessionState }, error) {
	hash, err := s.o.Store.Setting(ctx, bridge.SettingPassword)
	if err != nil {
		return nil, problemOf(s.o.Log, err)
	}
	return &struct{ Body sessionState }{sessionState{s.validCredential(ctx, "session", in.Session) == nil, hash == ""}}, nil
}

func (s *Server) adminLogin(ctx context.Context, in *struct {
	Body struct {
		Password string `json:"password"`
	}
}) (*cookieAnswer, error) {
	hash, err := s.o.Store.Setting(ctx, bridge.SettingPassword)
	if err != nil {
		return nil, problemOf(s.o.Log, err)
	}
	right := false
	if err := s.login.run(func() {
		right = hash != "" && len(in.Body.Password) <= 4*maxPassword && CheckPassword(hash, in.Body.Password)
	}); err != nil {
		return nil, problemOf(s.o.Log, err)
	}
	if !right {
		return nil, problemOf(s.o.Log, bridge.Errorf(bridge.Unauthorized, "wrong_password", "This is not the password. If it is lost, print a link to set a new one with: chatbridge admin link"))
	}
	secret, session := newSession()
	if err := bridge.Do(ctx, s.o.Post, &bridge.PutCredential{Credential: session}); err != nil {
		return nil, problemOf(s.o.Log, err)
	}
	return &cookieAnswer{s.cookie(secret, int(sessionLasts/time.Second))}, nil
}

func (s *Server) adminLogout(ctx context.Context, in *struct {
	Session string `cookie:"chatbridge_session"`
}) (*cookieAnswer, error) {
	err := bridge.Do(ctx, s.o.Post, &bridge.DropCredential{Credential: &bridge.Credential{Kind: "session", Hash: bridge.HashKey(in.Session)}})
	if err != nil {
		return nil, problemOf(s.o.Log, err)
	}
	return &cookieAnswer{s.cookie("", -1)}, nil
}

func (s *Server) adminSetup(ctx context.Context, in *struct {
	Body struct {
		Token    string `json:"token" doc:"From the one-time link"`
		Password string `json:"password" doc:"At least 12 characters"`
	}
}) (*cookieAnswer, error) {
	link := &bridge.Credential{Kind: "link", Hash: bridge.HashKey(in.Body.Token)}
	if err := s.validCredential(ctx, link.Kind, in.Body.Token); err != nil {
		return nil, problemOf(s.o.Log, bridge.Errorf(bridge.Gone, "link_used", "This link was used or has expired. Print a fresh one with: chatbridge admin link"))
	}
	var hash string
	var err error
	if limited := s.login.run(func() { hash, err = HashPassword(in.Body.Password) }); limited != nil {
		err = limited
	}
	if err != nil {
		return nil, problemOf(s.o.Log, err)
	}
	secret, session := newSession()
	if err := bridge.Do(ctx, s.o.Post, &bridge.SetPassword{Hash: hash, Link: link, Session: session}); err != nil {
		return nil, problemOf(s.o.Log, err)
	}
	return &cookieAnswer{s.cookie(secret, int(sessionLasts/time.Second))}, nil
}
