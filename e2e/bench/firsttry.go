package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"chatbridge/internal/webhook"
)

func init() {
	scenarios = append(scenarios, scenario{
		name: "first-try", about: "worker sends the answer to the webhook's request arrives; bare: grouped commit, then a POST",
		defaults: settings{clients: 8}, load: closedLoad, limit: loadLimit, run: runFirstTry,
	})
}

// arrivals matches what left with what came, by client and number of its trip.
type arrivals struct {
	begin, end time.Time
	mu         sync.Mutex
	sent       map[string]time.Time
	times      []time.Duration
}

func (a *arrivals) leave(client, trip int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sent[fmt.Sprint(client, " ", trip)] = time.Now()
}

func (a *arrivals) arrive(client, trip int) {
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	key := fmt.Sprint(client, " ", trip)
	if at, ok := a.sent[key]; ok && at.After(a.begin) && at.Before(a.end) {
		a.times = append(a.times, now.Sub(at))
	}
	delete(a.sent, key)
}

// sink is a receiver for messages of the form "c<client> <trip> …".
func (a *arrivals) sink() (stop func(), url string, err error) {
	return receiver(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		_, message, found := bytes.Cut(body, []byte(`"message":"`))
		var client, trip int
		if err != nil || !found {
			return
		}
		if _, err := fmt.Sscanf(string(message[:min(40, len(message))]), "c%d %d ", &client, &trip); err == nil {
			a.arrive(client, trip)
		}
	})
}

// runFirstTry measures from before the worker's response to the arrival of the webhook.
func runFirstTry(ctx context.Context, srv *server, s settings) ([]figure, error) {
	begin := time.Now().Add(seconds(s.warmup))
	a := &arrivals{begin: begin, end: begin.Add(s.window()), sent: map[string]time.Time{}}
	stop, url, err := a.sink()
	if err != nil {
		return nil, err
	}
	defer stop()
	var trips int
	if srv.name == "bare" {
		trips, err = bareFirstTries(ctx, a, url, s)
	} else {
		trips, err = firstTries(ctx, srv, a, url, s)
	}
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return []figure{
		{"p50", "ms", milliseconds(quantile(a.times, 0.5)), true},
		{"p99", "ms", milliseconds(quantile(a.times, 0.99)), true},
		{"trips", "/s", float64(trips) / s.window().Seconds(), false},
		{"measured", "", float64(len(a.times)), false},
	}, nil
}

func firstTries(ctx context.Context, srv *server, a *arrivals, url string, s settings) (int, error) {
	if err := srv.setWebhook(ctx, url); err != nil {
		return 0, err
	}
	crew := newCrew(s, s.answerBytes)
	number := make([]atomic.Int64, s.clients)
	crew.answering = func(client int) { a.leave(client, int(number[client].Add(1))) }
	m, err := closedLoop(ctx, srv, s, crew, func(_ int, began time.Time) time.Duration { return time.Since(began) })
	return m.trips, err
}

// setWebhook gives the server's one account another webhook URL.
func (srv *server) setWebhook(ctx context.Context, url string) error {
	var accounts []struct {
		ID int64 `json:"id"`
	}
	if err := srv.get(ctx, "/api/admin/accounts/", &accounts); err != nil || len(accounts) == 0 {
		return fmt.Errorf("listing the accounts (%d): %w", len(accounts), err)
	}
	body, err := json.Marshal(map[string]string{"webhook_url": url})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPatch, fmt.Sprintf("http://%s/api/admin/accounts/%d/", srv.addr, accounts[0].ID), bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+srv.adminToken)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("setting the webhook URL: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("setting the webhook URL: %w", statusError(res.StatusCode))
	}
	return nil
}

// bareFirstTries has as many clients commit an answer each, with the delivery that it owes, in grouped transactions, and
// after each commit POSTs the signed body.
func bareFirstTries(ctx context.Context, a *arrivals, url string, s settings) (int, error) {
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: deliverers, MaxConnsPerHost: deliverers, DisableCompression: true}}
	defer client.CloseIdleConnections()
	committed := func(w bareWrite, err error) { w.req.stored <- err }
	store, err := openBareStore(filepath.Join(s.dir, "first-try"), committed)
	if err != nil {
		return 0, err
	}
	defer func() {
		store.close()
		_ = store.db.Close()
	}()
	secret := webhook.NewSecret()
	answer := newCrew(s, s.answerBytes).answer
	var trips, ids atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for i := range s.clients {
		group.Go(func() error {
			for trip := 1; ; trip++ {
				now := time.Now()
				if now.After(a.end) {
					return nil
				}
				if now.After(a.begin) {
					trips.Add(1)
				}
				id := ids.Add(1)
				message := fmt.Sprintf("c%d %d %s", i, trip, padded("", s.messageBytes))
				r := &bareRequest{id: id, uuid: strconv.FormatInt(id, 10), message: message, responseType: "auto", thinkingTime: "standard", queuedAt: now,
					answer: answer, stored: make(chan error, 1)}
				store.write(bareWrite{op: opSubmit, req: r})
				if err := <-r.stored; err != nil {
					return err
				}
				body, err := json.Marshal(map[string]any{"type": "done", "request_id": r.uuid, "status": "done", "message": message, "response": answer})
				if err != nil {
					return err
				}
				a.leave(i, trip)
				store.write(bareWrite{op: opComplete, req: r})
				if err := <-r.stored; err != nil {
					return err
				}
				req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
				if err != nil {
					return err
				}
				if err := webhook.SetHeaders(req.Header, []string{secret}, "msg_"+r.uuid, time.Now(), body); err != nil {
					return err
				}
				res, err := client.Do(req)
				if err != nil {
					return err
				}
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
			}
		})
	}
	err = group.Wait()
	return int(trips.Load()), err
}
