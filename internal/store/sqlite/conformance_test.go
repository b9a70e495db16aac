package sqlite

import (
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"chatbridge/internal/bridge"
	"chatbridge/internal/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	t.Run("file", func(t *testing.T) {
		storetest.Run(t, storetest.Engine{New: func(t *testing.T) func() (bridge.Store, error) {
			path := filepath.Join(t.TempDir(), "chatbridge.db")
			return func() (bridge.Store, error) { return Open(t.Context(), Options{Path: path}) }
		}})
	})
	t.Run("memory", func(t *testing.T) {
		storetest.Run(t, storetest.Engine{Volatile: true, New: func(t *testing.T) func() (bridge.Store, error) {
			return func() (bridge.Store, error) { return Open(t.Context(), Options{Path: memory}) }
		}})
	})
}
