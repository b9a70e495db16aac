package bridge_test

import (
	"testing"
	"time"

	"chatbridge/internal/bridge"
)

// Somebody who changes the password at the same time is not overruled by one who
// knew the old one.
func TestSetPasswordMeanwhile(t *testing.T) {
	facts := &bridge.Facts{Now: time.Unix(1, 0), Settings: map[string]string{bridge.SettingPassword: "theirs"}}
	if _, err := (&bridge.SetPassword{Hash: "ours", Old: "the one before"}).Decide(facts); bridge.AsError(err).Code != "password_changed" {
		t.Errorf("not refused: %v", err)
	}
	for _, cmd := range []*bridge.SetPassword{{Hash: "ours", Old: "theirs"}, {Hash: "ours"}} {
		if c, err := cmd.Decide(facts); err != nil || c.Settings[bridge.SettingPassword] != "ours" {
			t.Errorf("%+v: %+v, %v", cmd, c, err)
		}
	}
}

// An old secret is ended once, and its end is in the audit log once.
func TestEndPreviousSecret(t *testing.T) {
	e := &bridge.Endpoint{ID: 7, AccountID: 1, Primary: true, Secret: "new", PreviousSecret: "old", PreviousUntil: time.Unix(100, 0)}
	facts := &bridge.Facts{Now: time.Unix(1, 0), Account: &bridge.Account{ID: 1}, Endpoints: []*bridge.Endpoint{e}}
	cmd := &bridge.EndPreviousSecret{AccountID: 1, By: bridge.Actor{Name: "admin"}}
	c, err := cmd.Decide(facts)
	if err != nil || len(e.Secrets(facts.Now)) != 1 || !c.Directory || len(c.Endpoints) != 1 || len(c.Audit) != 1 || c.Audit[0].Action != "secret.previous_ended" {
		t.Fatalf("%+v of %+v, %v", c, e, err)
	}
	if c, err := cmd.Decide(facts); err != nil || !c.Empty() {
		t.Errorf("again: %+v, %v", c, err)
	}
}
