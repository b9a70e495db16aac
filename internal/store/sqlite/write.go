package sqlite

import (
	"fmt"

	"chatbridge/internal/bridge"
)

// write stores what a command has decided: parents before their children, and
// what gives a place up before what takes it.
func write(t *tx, c *bridge.Changes) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic at writing: %v", p)
		}
	}()
	if err := t.writeDirectory(c); err != nil {
		return err
	}
	return t.writeWork(c)
}

// writeDirectory writes accounts and what belongs to them, settings and
// credentials.
func (t *tx) writeDirectory(c *bridge.Changes) error {
	var made int64 // the account that these Changes insert
	for _, a := range c.Accounts {
		isNew := a.ID == 0
		if err := t.putAccount(a); err != nil {
			return err
		}
		if isNew {
			made = a.ID
		}
	}
	for _, e := range c.Endpoints {
		if e.AccountID == 0 {
			e.AccountID = made
		}
		if err := t.putEndpoint(e); err != nil {
			return err
		}
	}
	for _, k := range c.Keys {
		if k.AccountID == 0 {
			k.AccountID = made
		}
		if err := t.putKey(k); err != nil {
			return err
		}
	}
	for name, value := range c.Settings {
		if err := t.putSetting(name, value); err != nil {
			return err
		}
	}
	for _, kind := range c.DropKinds {
		if _, err := t.exec(bg, dropCredentials, kind); err != nil {
			return fmt.Errorf("drop the credentials of kind %s: %w", kind, err)
		}
	}
	for _, d := range c.DropCredential {
		if _, err := t.exec(bg, dropCredential, d.Kind, d.Hash); err != nil {
			return fmt.Errorf("drop a credential: %w", err)
		}
	}
	if err := each(c.Credentials, t.putCredential); err != nil {
		return err
	}
	for _, e := range c.Audit {
		if e.AccountID == 0 {
			e.AccountID = made
		}
		if err := t.putAudit(e); err != nil {
			return err
		}
	}
	if c.Directory {
		if _, err := t.exec(bg, raiseDirectory); err != nil {
			return fmt.Errorf("raise the directory's version: %w", err)
		}
	}
	return nil
}

// writeWork writes requests and what happens to them.
func (t *tx) writeWork(c *bridge.Changes) error {
	if err := each(c.Chats, t.putChat); err != nil {
		return err
	}
	numbers, err := t.number(c.Events)
	if err != nil {
		return err
	}
	for _, r := range c.Bodies {
		if r.Seq != 0 {
			t.putBody(r, false)
		}
	}
	for _, r := range c.Requests {
		inserted := r.Seq == 0
		if err := t.putRequest(r, numbers[r]); err != nil {
			return err
		}
		delete(numbers, r)
		if inserted {
			t.putBody(r, true)
		}
	}
	if err := each(c.DropLeases, t.dropLease); err != nil {
		return err
	}
	for _, cancelled := range [...]bool{true, false} { // a live one may take the place of one that these Changes cancel
		for _, l := range c.Leases {
			if l.Cancelled == cancelled {
				if err := t.putLease(l); err != nil {
					return err
				}
			}
		}
	}
	for _, r := range c.Requests {
		if r.Status.Ended() {
			delete(t.cache.leases, r.Seq)
			delete(t.cache.bodies, r.Seq)
		}
	}
	if err := each(c.DropWorker, t.dropWorker); err != nil {
		return err
	}
	if err := each(c.Workers, t.putWorker); err != nil {
		return err
	}
	for _, e := range c.Events {
		t.putEvent(e)
	}
	for r, more := range numbers { // of requests that do not change otherwise
		if err := t.update(bg, addEvents, more, r.Seq); err != nil {
			return fmt.Errorf("write which events request %s has: %w", r.ID, err)
		}
	}
	if err := t.putDeliveries(c.Deliveries); err != nil {
		return err
	}
	for _, try := range c.Tries {
		t.putTry(try)
	}
	if err := each(c.Replays, t.putReplay); err != nil {
		return err
	}
	return t.drop(c)
}

func each[T any](list []T, put func(T) error) error {
	for _, v := range list {
		if err := put(v); err != nil {
			return err
		}
	}
	return nil
}
