package bridge

import (
	"encoding/json"
	"strconv"
)

// SettingPack holds the newest selector pack, as JSON.
const SettingPack = "pack"

// PublishPack stores a selector pack that is newer than the one there. The
// domain knows no more of packs than their version.
type PublishPack struct {
	Version int64
	Pack    json.RawMessage // checked by the caller
	By      Actor
}

// Needs implements [Command].
func (m *PublishPack) Needs() Needs { return Needs{Settings: []string{SettingPack}} }

// Decide implements [Command]. Errors: Conflict.
func (m *PublishPack) Decide(f *Facts) (*Changes, error) {
	if have := PackVersion(f.Settings[SettingPack]); have >= m.Version {
		return nil, Errorf(Conflict, "pack_not_newer", "Version %d is published already. Give the pack a higher version than that.", have)
	}
	c := &Changes{Now: f.Now, Directory: true, Settings: map[string]string{SettingPack: string(m.Pack)}}
	c.audit(m.By, "pack.published", 0, "version "+strconv.FormatInt(m.Version, 10), nil)
	return c, nil
}

// PackVersion is the version of a stored pack, 0 for none.
func PackVersion(pack string) int64 {
	var p struct {
		Version int64 `json:"version"`
	}
	_ = json.Unmarshal([]byte(pack), &p)
	return p.Version
}
