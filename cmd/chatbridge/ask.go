package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"chatbridge/internal/bridge"
	"chatbridge/internal/client"
)

type askCmd struct {
	Question []string `arg:"" help:"What to ask."`
	URL      string   `help:"The bridge's address." default:"http://localhost:8000" name:"url"`
	Key      string   `help:"An API key of the account with the scope client." required:""`
	Chat     string   `help:"Go on with this chat: its number here, or the site's id. A new one if left out." placeholder:"ID"`
	Thinking string   `help:"How long the answer is thought about: instant, auto (the site decides), standard or extended." enum:"instant,auto,standard,extended" default:"auto"`
}

func (askCmd) Help() string {
	return `Examples:
  chatbridge ask "What is a lease?" --key cb_…
  CHATBRIDGE_KEY=cb_… chatbridge ask "And what is backoff?" --chat 12 --thinking extended

The answer is printed as it comes. Ctrl-C cancels the request.`
}

// Run asks. A correction of what was printed already is printed anew, below.
func (c *askCmd) Run(ctx context.Context, io *console) error {
	api, err := client.New(c.URL, c.Key, nil)
	if err != nil {
		return usageError("--url: " + err.Error())
	}
	ask := client.Submission{Message: strings.Join(c.Question, " "), ChatID: c.Chat}
	switch c.Thinking {
	case "instant":
		ask.ResponseType = "instant"
	case "standard", "extended":
		ask.ResponseType, ask.ThinkingTime = "thinking", c.Thinking
	}
	request, err := api.Submit(ctx, ask, bridge.NewSecretKey(""))
	if err != nil {
		return clientError(err)
	}
	printed := ""
	show := func(text string) {
		if rest, ok := strings.CutPrefix(text, printed); ok {
			fmt.Fprint(io.out, rest)
		} else {
			fmt.Fprintf(io.out, "\n\n(corrected)\n%s", text)
		}
		printed = text
	}
	var failed error
	err = api.Stream(ctx, request.StreamURL, func(e client.Event, answer *client.Answer) error {
		switch e.Type {
		case client.EventStatus:
			if e.Waiting != nil && e.Waiting.Reason == "no_worker" {
				fmt.Fprintln(io.err, "No worker is connected; waiting for one. Ctrl-C cancels.")
			}
		case client.EventDelta:
			show(answer.String())
		case client.EventDone:
			show(*e.Response)
			fmt.Fprintln(io.out)
		case client.EventFailed:
			if printed != "" {
				fmt.Fprintln(io.out)
			}
			failed = errors.New(*e.Error)
		}
		return nil
	})
	switch {
	case ctx.Err() != nil:
		return c.cancel(api, request.ID)
	case err != nil:
		return clientError(err)
	}
	return failed
}

func (c *askCmd) cancel(api *client.Client, id string) error {
	ctx, stop := context.WithTimeout(context.Background(), 5*time.Second)
	defer stop()
	if err := api.Cancel(ctx, id); err != nil {
		if e, ok := errors.AsType[*client.Error](err); !ok || e.Status != 409 {
			return fmt.Errorf("the request %s could not be cancelled: %w", id, err)
		}
	}
	return errors.New("cancelled")
}

func clientError(err error) error {
	if e, ok := errors.AsType[*client.Error](err); ok {
		return errors.New(e.Detail)
	}
	return err
}
