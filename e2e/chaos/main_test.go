// Package chaos is the ledger: many requests through the real program while
// everything around it fails, and then a count of what was promised and not
// kept. Every number in it must be zero.
//
//	go test -v ./e2e/chaos -run Ledger -requests 100000 -store sqlite -timeout 60m
package chaos

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"chatbridge/e2e/harness"
)

const (
	// few is how many requests are enough for the gate: every fault comes at least
	// once, and both engines are through in less than a minute.
	few = 200
	// many is from how many on a run hurries, and must meet everything.
	many = 4000
)

var (
	requestsFlag = flag.Int("requests", few, "how many requests the ledger makes")
	storeFlag    = flag.String("store", "", "sqlite or postgres; both if left out")
	seedFlag     = flag.Uint64("seed", 0, "what the actors' dice begin with; 0: the time")
)

func TestMain(m *testing.M) {
	flag.Parse()
	if *seedFlag == 0 {
		*seedFlag = uint64(time.Now().UnixNano())
	}
	status := m.Run()
	harness.Clean()
	if status == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			status = 1
		}
	}
	os.Exit(status)
}
