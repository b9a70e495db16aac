//go:build unix

package postgres

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"chatbridge/internal/bridge"
	"chatbridge/internal/store/postgres/pgtest"
	"chatbridge/internal/store/storetest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if err := pgtest.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
		os.Exit(code)
	}), goleak.IgnoreTopFunction("chatbridge/internal/store/postgres/pgtest.run.func1"), goleak.IgnoreAnyFunction("os/exec.(*Cmd).Wait"))
}

func TestConformance(t *testing.T) {
	storetest.Run(t, storetest.Engine{New: func(t *testing.T) func() (bridge.Store, error) {
		url := pgtest.URL(t)
		return func() (bridge.Store, error) { return Open(t.Context(), Options{URL: url}) }
	}})
}
