package local_test

import (
	"testing"

	"go.uber.org/goleak"

	"chatbridge/internal/bus"
	"chatbridge/internal/bus/bustest"
	"chatbridge/internal/bus/local"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	bustest.Run(t, func(t *testing.T, n int) []bus.Bus {
		b := local.New()
		nodes := make([]bus.Bus, n)
		for i := range nodes {
			node := b.Node()
			t.Cleanup(node.Close)
			nodes[i] = node
		}
		return nodes
	})
}

func TestClosedNodeIsNoPeer(t *testing.T) {
	b := local.New()
	stays, leaves := b.Node(), b.Node()
	defer stays.Close()
	leaves.Close()
	leaves.Close()
	if stays.Peers() || leaves.Peers() {
		t.Error("Peers after the other node left")
	}
	leaves.Publish("a", nil)
	stays.Publish("a", nil)
}
