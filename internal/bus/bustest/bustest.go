// Package bustest is the conformance suite that every bus passes.
package bustest

import (
	"strconv"
	"testing"
	"time"

	"chatbridge/internal/bus"
)

// within is how long a message may take to come; also how long a wrong one is
// waited for, divided by 50.
const within = 5 * time.Second

// Run checks a bus. open returns n nodes on one fresh bus, each knowing of the
// others, closed by t.Cleanup.
func Run(t *testing.T, open func(t *testing.T, n int) []bus.Bus) {
	t.Run("others hear, oneself does not", func(t *testing.T) {
		nodes := open(t, 3)
		var heard [3]chan string
		for i, n := range nodes {
			heard[i] = listen(n, "a")
		}
		settle(t, nodes)
		nodes[0].Publish("a", []byte("x"))
		expect(t, heard[1], "x")
		expect(t, heard[2], "x")
		silence(t, heard[0])
	})
	t.Run("a subject is exact", func(t *testing.T) {
		nodes := open(t, 2)
		short, long, other := listen(nodes[1], "text.a"), listen(nodes[1], "text.ab"), listen(nodes[1], "text")
		settle(t, nodes)
		nodes[0].Publish("text.ab", []byte("x"))
		expect(t, long, "x")
		silence(t, short)
		silence(t, other)
	})
	t.Run("every subscriber of a subject hears", func(t *testing.T) {
		nodes := open(t, 2)
		one, two := listen(nodes[1], "a"), listen(nodes[1], "a")
		settle(t, nodes)
		nodes[0].Publish("a", []byte("x"))
		expect(t, one, "x")
		expect(t, two, "x")
	})
	t.Run("in order", func(t *testing.T) {
		nodes := open(t, 2)
		heard := listen(nodes[1], "a")
		settle(t, nodes)
		for i := range 100 {
			nodes[0].Publish("a", []byte(strconv.Itoa(i)))
		}
		for i := range 100 {
			expect(t, heard, strconv.Itoa(i))
		}
	})
	t.Run("cancel", func(t *testing.T) {
		nodes := open(t, 2)
		gone, stays := make(chan string, 10), listen(nodes[1], "a")
		cancel := nodes[1].Subscribe("a", func(d []byte) { gone <- string(d) })
		settle(t, nodes)
		nodes[0].Publish("a", []byte("before"))
		expect(t, gone, "before")
		expect(t, stays, "before")
		cancel()
		cancel()
		nodes[0].Publish("a", []byte("after"))
		expect(t, stays, "after")
		silence(t, gone)
	})
	t.Run("nothing waits for a subscriber", func(t *testing.T) {
		nodes := open(t, 2)
		release, running := make(chan struct{}), make(chan struct{}, 1)
		nodes[1].Subscribe("a", func([]byte) {
			select {
			case running <- struct{}{}:
			default:
			}
			<-release
		})
		defer close(release)
		settle(t, nodes)
		nodes[0].Publish("a", []byte("x"))
		receive(t, running)
		returned := make(chan struct{})
		go func() { // the receive below waits for it
			defer close(returned)
			for range 10_000 { // more than any queue holds
				nodes[0].Publish("a", []byte("y"))
			}
			nodes[1].Subscribe("b", func([]byte) {})()
		}()
		receive(t, returned)
	})
	t.Run("a subscriber may use the bus", func(t *testing.T) {
		nodes := open(t, 2)
		nodes[1].Subscribe("a", func(d []byte) {
			nodes[1].Subscribe("b", func([]byte) {})()
			nodes[1].Publish("answer", d)
		})
		heard := listen(nodes[0], "answer")
		settle(t, nodes)
		nodes[0].Publish("a", []byte("x"))
		expect(t, heard, "x")
	})
	t.Run("too large is dropped", func(t *testing.T) {
		nodes := open(t, 2)
		heard := listen(nodes[1], "a")
		settle(t, nodes)
		nodes[0].Publish("a", make([]byte, bus.MaxMessage+1))
		full := make([]byte, bus.MaxMessage)
		nodes[0].Publish("a", full)
		expect(t, heard, string(full))
	})
	t.Run("peers", func(t *testing.T) {
		if open(t, 1)[0].Peers() {
			t.Error("alone, and yet Peers")
		}
		for i, n := range open(t, 2) {
			if !n.Peers() {
				t.Errorf("node %d of two: no Peers", i)
			}
		}
	})
}

func listen(n bus.Bus, subject string) chan string {
	c := make(chan string, 1000)
	n.Subscribe(subject, func(d []byte) { c <- string(d) })
	return c
}

// settle returns when what was subscribed so far is in force, also where
// subscriptions travel: each node has heard each other one.
func settle(t *testing.T, nodes []bus.Bus) {
	t.Helper()
	for i, from := range nodes {
		for j, to := range nodes {
			if i == j {
				continue
			}
			subject := "settle." + strconv.Itoa(i) + "." + strconv.Itoa(j)
			heard := make(chan struct{}, 1)
			cancel := to.Subscribe(subject, func([]byte) {
				select {
				case heard <- struct{}{}:
				default:
				}
			})
			deadline := time.After(within)
			for again := true; again; {
				from.Publish(subject, nil)
				select {
				case <-heard:
					again = false
				case <-time.After(within / 500):
				case <-deadline:
					t.Fatalf("node %d never hears node %d", j, i)
				}
			}
			cancel()
		}
	}
}

func receive[T any](t *testing.T, c chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(within):
		t.Fatal("nothing came")
	}
	return v
}

func expect(t *testing.T, c chan string, want string) {
	t.Helper()
	if got := receive(t, c); got != want {
		t.Fatalf("got %.40q, want %.40q", got, want)
	}
}

func silence(t *testing.T, c chan string) {
	t.Helper()
	select {
	case got := <-c:
		t.Fatalf("got %.40q, want nothing", got)
	case <-time.After(within / 50):
	}
}
