package main

import (
	"context"
	"log/slog"
	"os"
	"time"

	"chatbridge/internal/worker"
)

type workerCmd struct {
	URL      string        `help:"The bridge's address." default:"http://localhost:8000" name:"url"`
	Key      string        `help:"An API key of the account with the scope worker." required:""`
	Backend  string        `help:"What answers: echo (says the message back) or openai (any OpenAI-compatible endpoint)." enum:"echo,openai" required:""`
	BaseURL  string        `help:"With openai: the endpoint's address, up to /v1; http://localhost:11434/v1 if left out." placeholder:"URL" default:"http://localhost:11434/v1"`
	Model    string        `help:"With openai: the model, as the endpoint calls it." placeholder:"NAME"`
	APIKey   string        `help:"With openai: the endpoint's own key, if it wants one." name:"api-key" placeholder:"KEY"`
	Capacity int           `help:"How many requests it answers at once." default:"1"`
	Name     string        `help:"What the panel calls it; the machine's name if left out."`
	State    string        `help:"Folder for what must outlive the worker, such as answers that are not delivered yet; ./chatbridge-worker if left out." default:"./chatbridge-worker" type:"path" placeholder:"DIR"`
	Pace     time.Duration `help:"With echo: the time between two words." default:"40ms"`
}

func (workerCmd) Help() string {
	return `Examples:
  chatbridge worker --key cb_… --backend echo
  chatbridge worker --key cb_… --backend openai --base-url http://localhost:11434/v1 --model llama3.2 --capacity 2
  CHATBRIDGE_KEY=cb_… CHATBRIDGE_API_KEY=sk-… chatbridge worker --backend openai --base-url https://api.example.com/v1 --model small

Two workers on one machine need two --state folders.`
}

func (c *workerCmd) Run(ctx context.Context, io *console) error {
	log := slog.New(slog.NewTextHandler(io.err, nil))
	store, err := worker.OpenFolder(c.State)
	if err != nil {
		return err
	}
	var backend worker.Backend
	switch c.Backend {
	case "echo":
		backend = worker.Echo{Pace: c.Pace}
	case "openai":
		if c.Model == "" {
			return usageError("--model is needed with --backend openai: name a model that the endpoint has")
		}
		backend, err = worker.NewOpenAI(worker.OpenAI{BaseURL: c.BaseURL, Model: c.Model, APIKey: c.APIKey}, store)
		if err != nil {
			return usageError(err.Error())
		}
	}
	dial, err := worker.WebSocket(c.URL)
	if err != nil {
		return usageError("--url: " + err.Error())
	}
	name := c.Name
	if name == "" {
		name, _ = os.Hostname()
	}
	w, err := worker.New(worker.Config{Dial: dial, Key: c.Key, Backend: backend, Store: store, Name: name, Version: version, Site: c.Backend, Capacity: c.Capacity, Logger: log})
	if err != nil {
		return usageError(err.Error())
	}
	return w.Run(ctx)
}
