package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"chatbridge/extension"
)

type extensionCmd struct {
	Out     string `help:"Folder to write to; it is made if need be. One that holds an older copy is brought up to date and stays paired." required:"" type:"path" placeholder:"DIR"`
	Browser string `help:"chrome (also Edge, Brave and other Chromium browsers) or firefox." enum:"chrome,firefox" default:"chrome"`
	Server  string `help:"Pair the copy: the bridge's address." placeholder:"URL"`
	Key     string `help:"Pair the copy: an API key of the account with the scope worker."`
	Zip     bool   `help:"Write one package, as a store wants it, instead of an unpacked copy."`
}

func (extensionCmd) Help() string {
	return `Examples:
  chatbridge extension --out ./chatbridge-extension
  chatbridge extension --out ./chatbridge-extension --server http://localhost:8000 --key cb_…
  chatbridge extension --out ./store --browser firefox --zip

A paired copy holds the key in its pairing.json: keep the folder to yourself.`
}

func (c *extensionCmd) Run(io *console) error {
	browser := extension.Browser(c.Browser)
	var pairing *extension.Pairing
	if c.Server != "" || c.Key != "" {
		pairing = &extension.Pairing{Server: c.Server, Key: c.Key}
		switch {
		case c.Server == "" || c.Key == "":
			return usageError("--server and --key go together")
		case c.Zip:
			return usageError("--zip makes a package to give away, which carries no key: leave out --server and --key")
		}
		if err := pairing.Check(); err != nil {
			return usageError(err.Error())
		}
	}
	if c.Zip {
		return c.zip(io, browser)
	}
	updated, err := extension.Write(c.Out, browser, pairing)
	if err != nil {
		return err
	}
	verb := "Written to"
	if updated {
		verb = "Brought up to date in"
	}
	fmt.Fprintf(io.out, "%s %s\n\n%s", verb, c.Out, loading(browser, c.Out, updated, pairing != nil))
	return nil
}

func (c *extensionCmd) zip(io *console, browser extension.Browser) error {
	version, err := extension.Version(browser)
	if err != nil {
		return err
	}
	var data bytes.Buffer
	if err := extension.Zip(&data, browser); err != nil {
		return err
	}
	if err := os.MkdirAll(c.Out, 0o755); err != nil {
		return fmt.Errorf("make the folder: %w", err)
	}
	path := filepath.Join(c.Out, fmt.Sprintf("chatbridge-extension-%s-%s.zip", browser, version))
	if err := os.WriteFile(path, data.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write the package: %w", err)
	}
	fmt.Fprintf(io.out, "Written to %s\n", path)
	return nil
}

// loading is what a person does next.
func loading(browser extension.Browser, dir string, updated, paired bool) string {
	first, second := "1. Open chrome://extensions (edge://extensions in Edge) and switch on Developer mode.", "2. Choose \"Load unpacked\" and the folder "+dir+"."
	if updated {
		second = "2. Press the reload arrow of chatbridge, or choose \"Load unpacked\" and the folder " + dir + "."
	}
	if browser == extension.Firefox {
		first, second = "1. Open about:debugging#/runtime/this-firefox.", "2. Choose \"Load Temporary Add-on\" and "+filepath.Join(dir, "manifest.json")+"; Firefox forgets it when it is closed."
		if updated {
			second = "2. Press Reload at chatbridge, or choose \"Load Temporary Add-on\" and " + filepath.Join(dir, "manifest.json") + "."
		}
	}
	third := "3. Log in at https://chatgpt.com; the extension's button says whether it is connected."
	if !paired && !updated {
		third = "3. Log in at https://chatgpt.com, open the extension's options, and paste the line \"URL KEY\" of your account."
	}
	return first + "\n" + second + "\n" + third + "\n"
}
