package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"chatbridge/internal/api"
	"chatbridge/internal/bridge"
	"chatbridge/protocol"
)

// doctorWithin bounds one call of the doctor's; a worker has 20 s to look.
const doctorWithin = 30 * time.Second

type doctorCmd struct {
	dataFlags
	URL    string `help:"The running server's address." default:"http://localhost:8000" name:"url"`
	Worker string `help:"Have this worker say what of its page it finds." placeholder:"ID"`
}

func (doctorCmd) Help() string {
	return `Examples:
  chatbridge doctor
  chatbridge doctor --url http://localhost:9000 --data /var/lib/chatbridge
  chatbridge doctor --worker 0d6c1e7a-…

It looks at the store, the server and what is connected, says what is wrong and what to do,
and ends with status 1 if anything is. With --worker, the extension looks for everything
that it knows of the chat page, and says by which alternative it was found; nothing is
clicked or sent.`
}

// finding is one thing that was looked at.
type finding struct {
	what   string
	remedy string // "" where all is well
}

func (c *doctorCmd) Run(ctx context.Context, out *console) error {
	store, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer store.Close()
	if c.Worker != "" {
		return c.askWorker(ctx, out, store)
	}
	findings, err := c.examine(ctx, store)
	if err != nil {
		return told(err)
	}
	wrong := 0
	for _, f := range findings {
		if f.remedy == "" {
			fmt.Fprintf(out.out, "ok     %s\n", f.what)
			continue
		}
		wrong++
		fmt.Fprintf(out.out, "WRONG  %s\n       %s\n", f.what, f.remedy)
	}
	if wrong > 0 {
		return fmt.Errorf("%d of %d things need you", wrong, len(findings))
	}
	return nil
}

func (c *doctorCmd) examine(ctx context.Context, store bridge.Store) ([]finding, error) {
	found := []finding{{what: "The store can be read and has this version's schema."}, c.server(ctx)}
	accounts, err := store.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	password, err := store.Setting(ctx, bridge.SettingPassword)
	if err != nil {
		return nil, err
	}
	if password == "" {
		found = append(found, finding{"No admin password is set (fine for scripts alone).", ""})
	}
	if len(accounts) == 0 {
		found = append(found, finding{"There is no account yet.", "Make one with: chatbridge account create you@example.com"})
	}
	for _, a := range accounts {
		of, err := examineAccount(ctx, store, a)
		if err != nil {
			return nil, err
		}
		found = append(found, of...)
	}
	return found, nil
}

// server asks the running server whether it is ready.
func (c *doctorCmd) server(ctx context.Context) finding {
	ctx, cancel := context.WithTimeout(ctx, doctorWithin)
	defer cancel()
	start := "Start it with: chatbridge serve. Or name its address with --url."
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(c.URL, "/")+"/readyz", nil)
	if err != nil {
		return finding{"--url is not an address.", "Write it like http://localhost:8000."}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return finding{"The server at " + c.URL + " does not answer.", start}
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return finding{fmt.Sprintf("The server at %s is not ready (status %d).", c.URL, resp.StatusCode), "Look at its log: the store does not answer, or it is stopping."}
	}
	return finding{what: "The server at " + c.URL + " is ready."}
}

func examineAccount(ctx context.Context, store bridge.Store, a *bridge.Account) ([]finding, error) {
	if !a.Active {
		return []finding{{what: a.Email + ": switched off."}}, nil
	}
	workers, err := store.Workers(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	var found []finding
	connected := 0
	for _, w := range workers {
		if !w.Connected {
			continue
		}
		connected++
		if reason, until := w.Pause(time.Now()); reason != "" {
			found = append(found, finding{fmt.Sprintf("%s: the worker %s is paused: %s.", a.Email, w.ID, reason), pauseRemedy(reason, until)})
		}
	}
	if connected == 0 {
		found = append(found, finding{a.Email + ": no worker is connected, so what is submitted waits.", "Connect the browser extension, or run: chatbridge worker"})
	}
	endpoints, err := store.Endpoints(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	for _, e := range endpoints {
		f, err := examineEndpoint(ctx, store, a, e)
		if err != nil {
			return nil, err
		}
		if f.what != "" {
			found = append(found, f)
		}
	}
	if len(found) == 0 {
		found = append(found, finding{what: fmt.Sprintf("%s: %d connected, nothing paused, webhooks are taken.", a.Email, connected)})
	}
	return found, nil
}

func pauseRemedy(reason bridge.FailCode, until time.Time) string {
	switch reason {
	case bridge.RateLimited:
		return "The site limits this account until " + until.Local().Format("15:04") + ". It goes on by itself."
	case bridge.PageChanged:
		return "The page is not as it was. See what is missing with: chatbridge doctor --worker ID, and publish a newer pack."
	default:
		return "Look at its tab: log in, or solve what the site asks. It goes on by itself then."
	}
}

func examineEndpoint(ctx context.Context, store bridge.Store, a *bridge.Account, e *bridge.Endpoint) (finding, error) {
	if !e.RemovedAt.IsZero() {
		return finding{}, nil
	}
	name := fmt.Sprintf("%s: the endpoint %d", a.Email, e.ID)
	dead, err := store.CountDeliveries(ctx, bridge.DeliveryFilter{EndpointID: e.ID, Status: []string{bridge.DeliveryDead}})
	switch {
	case err != nil:
		return finding{}, err
	case e.OffForGood() && e.URL != "":
		return finding{name + " is off: " + e.DisabledReason, "Mend the receiver, switch the endpoint on in the panel, and replay what is dead."}, nil
	case !e.FailingSince.IsZero():
		return finding{name + " has been failing since " + e.FailingSince.Local().Format("2006-01-02 15:04") + ".", "The panel shows what it answers, under Deliveries."}, nil
	case dead > 0:
		return finding{fmt.Sprintf("%s: %d deliveries were given up.", name, dead), "Replay them in the panel, or by POST /api/admin/deliveries/replay/."}, nil
	}
	return finding{}, nil
}

// askWorker has a worker look at its page, through the running server. Whoever
// has the data may do so: a token is made for this one call.
func (c *doctorCmd) askWorker(ctx context.Context, out *console, store bridge.Store) error {
	workers, err := store.Workers(ctx, 0)
	if err != nil {
		return told(err)
	}
	var of *bridge.Worker
	for _, w := range workers {
		if w.ID == c.Worker && (of == nil || w.Connected) {
			of = w
		}
	}
	if of == nil {
		return fmt.Errorf("there is no worker %s. The panel lists them, and so does GET /api/admin/workers/", c.Worker)
	}
	token, credential, err := api.NewToken("doctor")
	if err != nil {
		return told(err)
	}
	credential.ExpiresAt = time.Now().Add(doctorWithin)
	if err := bridge.Do(ctx, store.Post, &bridge.PutCredential{Credential: credential, By: operator}); err != nil {
		return told(err)
	}
	defer func() {
		_ = bridge.Do(context.WithoutCancel(ctx), store.Post, &bridge.DropCredential{Credential: credential, By: operator})
	}()
	hooks, err := c.hooks(ctx, fmt.Sprintf("/api/admin/accounts/%d/workers/%s/doctor/", of.AccountID, url.PathEscape(of.ID)), token)
	if err != nil {
		return err
	}
	missing := 0
	table := tabwriter.NewWriter(out.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "HOOK\tFOUND BY\tWANTED")
	for _, h := range hooks {
		by, wanted := h.Alternative, h.WantedOn
		if wanted == "" {
			wanted = "always"
		}
		if !h.Found {
			by = "not there"
		}
		if !h.Found && wanted == "always" {
			by = "missing"
			missing++
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", h.Name, by, wanted)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if missing > 0 {
		return fmt.Errorf("%d of %d hooks are missing on the page that the worker sees", missing, len(hooks))
	}
	return nil
}

func (c *doctorCmd) hooks(ctx context.Context, path, token string) ([]protocol.Hook, error) {
	ctx, cancel := context.WithTimeout(ctx, doctorWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(c.URL, "/")+path, bytes.NewReader(nil))
	if err != nil {
		return nil, usageError("--url: write an address like http://localhost:8000")
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("the server at %s does not answer. Name its address with --url", c.URL)
	}
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		Hooks  []protocol.Hook `json:"hooks"`
		Detail string          `json:"detail"`
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, protocol.MaxMessageBytes))
	if err == nil {
		err = json.Unmarshal(data, &answer)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("the server's answer cannot be read: %w", err)
	case resp.StatusCode != http.StatusOK:
		return nil, errors.New(answer.Detail)
	}
	return answer.Hooks, nil
}
