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

	"chatbridge/internal/bridge"
)

const (
	sessionCookie = "chatbridge_session"
	sessionLasts  = 30 * 24 * time.Hour
	// LinkLasts is how long a one-time link may be used.
	LinkLasts   = time.Hour
	minPassword = 12 // characters
	maxPassword = 1024
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
// request comes from our own page, or for an admin token. Both are 256 random
// bits and looked up by their hash, so a right one is never held up; wrong ones
// are.
func (s *Server) identifyAdmin(c huma.Context, next func(huma.Context)) {
	kind, secret := "token", keyOf(http.Header{"Authorization": {c.Header("Authorization")}})
	if secret == "" {
		kind, secret = "session", cookieOf(c)
	}
	have, err := s.credential(c.Context(), kind, secret)
	if err == nil && have == nil {
		err = s.wrongCredential(c.RemoteAddr(), secret)
	}
	if err != nil {
		s.writeProblem(c, problemOf(s.o.Log, err))
		return
	}
	by := bridge.Actor{Name: "admin", Address: addressOf(c.RemoteAddr())}
	if kind == "token" {
		by.Name = "token " + have.Name
	}
	next(huma.WithValue(c, actorKey, by))
}

func cookieOf(c huma.Context) string {
	cookie, err := huma.ReadCookie(c, sessionCookie)
	if err != nil {
		return ""
	}
	return cookie.Value
}

// credential finds a valid one, nil if there is none.
func (s *Server) credential(ctx context.Context, kind, secret string) (*bridge.Credential, error) {
	if secret == "" {
		return nil, nil
	}
	have, err := s.o.Store.Credential(ctx, kind, bridge.HashKey(secret))
	if err != nil || have == nil || !have.ExpiresAt.IsZero() && !time.Now().Before(have.ExpiresAt) {
		return nil, err
	}
	return have, nil
}

// wrongCredential is the answer to one that is not valid, or missing. Errors:
// Unauthorized, TooMany.
func (s *Server) wrongCredential(remoteAddr, secret string) error {
	if secret != "" {
		if wait := s.wrongAdmin.count(sourceOf(remoteAddr)); wait > 0 {
			return tooMany("tokens", wait)
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
		return nil, err
	}
	have, err := s.credential(ctx, "session", in.Session)
	return &struct{ Body sessionState }{sessionState{have != nil, hash == ""}}, err
}

func (s *Server) adminLogin(ctx context.Context, in *struct {
	Session string `cookie:"chatbridge_session"`
	Body    struct {
		Password string `json:"password"`
	}
}) (*cookieAnswer, error) {
	hash, err := s.o.Store.Setting(ctx, bridge.SettingPassword)
	if err != nil {
		return nil, err
	}
	right, err := s.passwords.guess(ctx, sourceOf(remoteAddr(ctx)), func() bool {
		return hash != "" && len(in.Body.Password) <= 4*maxPassword && CheckPassword(hash, in.Body.Password)
	})
	if err != nil {
		return nil, err
	}
	if !right {
		return nil, bridge.Errorf(bridge.Unauthorized, "wrong_password", "This is not the password. If it is lost, print a link to set a new one with: chatbridge admin link")
	}
	by := bridge.Actor{Name: "admin", Address: addressOf(remoteAddr(ctx))}
	secret, session := newSession()
	if err := bridge.Do(ctx, s.o.Post, &bridge.PutCredential{Credential: session, By: by}); err != nil {
		return nil, err
	}
	if in.Session != "" { // a browser has one session at a time
		if err := s.endSession(ctx, in.Session, by); err != nil {
			return nil, err
		}
	}
	return &cookieAnswer{s.cookie(secret, int(sessionLasts/time.Second))}, nil
}

func (s *Server) endSession(ctx context.Context, secret string, by bridge.Actor) error {
	return bridge.Do(ctx, s.o.Post, &bridge.DropCredential{Credential: &bridge.Credential{Kind: "session", Hash: bridge.HashKey(secret)}, By: by})
}

func (s *Server) adminLogout(ctx context.Context, in *struct {
	Session string `cookie:"chatbridge_session"`
}) (*cookieAnswer, error) {
	return &cookieAnswer{s.cookie("", -1)}, s.endSession(ctx, in.Session, actor(ctx))
}

// adminPassword changes the password. The session that asks goes on as a new one.
func (s *Server) adminPassword(ctx context.Context, in *struct {
	Session string `cookie:"chatbridge_session"`
	Body    struct {
		Current  string `json:"current" doc:"The password that is set"`
		Password string `json:"password" doc:"The new one: at least 12 characters"`
	}
}) (*cookieAnswer, error) {
	old, err := s.o.Store.Setting(ctx, bridge.SettingPassword)
	if err != nil {
		return nil, err
	}
	right, err := s.passwords.guess(ctx, sourceOf(remoteAddr(ctx)), func() bool {
		return old != "" && len(in.Body.Current) <= 4*maxPassword && CheckPassword(old, in.Body.Current)
	})
	if err != nil {
		return nil, err
	}
	if !right {
		return nil, invalidField("current", "This is not the current password. If it is lost, print a link to set a new one with: chatbridge admin link")
	}
	var hash string
	if slow := s.passwords.slow(ctx, func() { hash, err = HashPassword(in.Body.Password) }); slow != nil {
		err = slow
	}
	if err != nil {
		return nil, err
	}
	cmd := &bridge.SetPassword{Hash: hash, Old: old, By: actor(ctx)}
	asking, err := s.credential(ctx, "session", in.Session)
	if err != nil {
		return nil, err
	}
	answer := &cookieAnswer{}
	if asking != nil {
		var secret string
		secret, cmd.Session = newSession()
		answer.SetCookie = s.cookie(secret, int(sessionLasts/time.Second))
	}
	return answer, bridge.Do(ctx, s.o.Post, cmd)
}

func (s *Server) adminSetup(ctx context.Context, in *struct {
	Body struct {
		Token    string `json:"token" doc:"From the one-time link"`
		Password string `json:"password" doc:"At least 12 characters"`
	}
}) (*cookieAnswer, error) {
	link, err := s.credential(ctx, "link", in.Body.Token)
	if err != nil {
		return nil, err
	}
	if link == nil {
		if wait := s.wrongAdmin.count(sourceOf(remoteAddr(ctx))); wait > 0 {
			return nil, tooMany("links", wait)
		}
		return nil, bridge.Errorf(bridge.Gone, "link_used", "This link was used or has expired. Print a fresh one with: chatbridge admin link")
	}
	var hash string
	if slow := s.passwords.slow(ctx, func() { hash, err = HashPassword(in.Body.Password) }); slow != nil {
		err = slow
	}
	if err != nil {
		return nil, err
	}
	secret, session := newSession()
	by := bridge.Actor{Name: "one-time link", Address: addressOf(remoteAddr(ctx))}
	if err := bridge.Do(ctx, s.o.Post, &bridge.SetPassword{Hash: hash, Link: link, Session: session, By: by}); err != nil {
		return nil, err
	}
	return &cookieAnswer{s.cookie(secret, int(sessionLasts/time.Second))}, nil
}
