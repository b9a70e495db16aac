// Command chatbridge gives a chat page an API: it stores requests, hands each to
// one worker, streams the answer and delivers it as a signed webhook.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// cli is the command line: every flag is also an environment variable,
// CHATBRIDGE_ and the flag's name.
type cli struct {
	Serve     serveCmd     `cmd:"" help:"Run the server."`
	Account   accountCmd   `cmd:"" help:"Manage GPT Accounts and their API keys."`
	Admin     adminCmd     `cmd:"" help:"Links and tokens for the admin panel."`
	Worker    workerCmd    `cmd:"" help:"Run a headless worker that answers requests."`
	Ask       askCmd       `cmd:"" help:"Ask one question and print the answer as it comes."`
	Extension extensionCmd `cmd:"" help:"Write the browser extension, ready to load."`
	Backup    backupCmd    `cmd:"" help:"Copy the database to a file, also while a server runs on it."`
	Pack      packCmd      `cmd:"" help:"Check, sign and publish selector packs for the extension."`
	Doctor    doctorCmd    `cmd:"" help:"Say what is wrong, and what to do."`
	Version   versionCmd   `cmd:"" help:"Print the version."`
}

// Exit statuses.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// console is where a command writes.
type console struct{ out, err io.Writer }

// run runs one command and returns the exit status. A second interrupt ends the
// process at once.
func run(ctx context.Context, args []string, out, errs io.Writer) int {
	status := -1
	var commands cli
	parser, err := kong.New(&commands,
		kong.Name("chatbridge"),
		kong.Description("The bridge between programs and chat pages.\n\nStart with: chatbridge serve --demo"),
		kong.DefaultEnvars("CHATBRIDGE"),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.Writers(out, errs),
		kong.Exit(func(code int) { status = code; panic(exited{}) }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(&console{out, errs}),
	)
	if err != nil {
		fmt.Fprintln(errs, err)
		return exitFailed
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parse(parser, args)
	if status >= 0 {
		return status
	}
	if err != nil {
		fmt.Fprintf(errs, "chatbridge: %s. See: chatbridge %s--help\n", strings.TrimSuffix(err.Error(), "."), commandOf(err))
		return exitUsage
	}
	switch err := command.Run(); {
	case err == nil:
		return exitDone
	case errors.As(err, new(usageError)):
		fmt.Fprintf(errs, "chatbridge: %s\n", err)
		return exitUsage
	default:
		fmt.Fprintf(errs, "chatbridge: %s\n", strings.Join(strings.Fields(err.Error()), " ")) // drivers' errors may have lines
		return exitFailed
	}
}

// exited unwinds the parser after --help, which has printed all there is.
type exited struct{}

func parse(parser *kong.Kong, args []string) (command *kong.Context, err error) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(exited); !ok {
				panic(r)
			}
		}
	}()
	return parser.Parse(args)
}

// commandOf is the command that a parse error came up in, with a space after.
func commandOf(err error) string {
	parsed, ok := errors.AsType[*kong.ParseError](err)
	if !ok || parsed.Context == nil || parsed.Context.Command() == "" {
		return ""
	}
	words := strings.Fields(parsed.Context.Command())
	for i, w := range words {
		if strings.HasPrefix(w, "<") {
			words = words[:i]
			break
		}
	}
	return strings.Join(words, " ") + " "
}

// usageError is a wrong use that the parser cannot see.
type usageError string

func (e usageError) Error() string { return string(e) }

// version is set when a release is built.
var version = "0.1.0-dev"

type versionCmd struct{}

func (versionCmd) Run(c *console) error {
	fmt.Fprintf(c.out, "chatbridge %s\n", version)
	return nil
}
