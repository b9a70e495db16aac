package main

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"

	"chatbridge/extension/pack"
	"chatbridge/internal/bridge"
)

type packCmd struct {
	Check   packCheck   `cmd:"" help:"Say whether a selector pack is in order."`
	Sign    packSign    `cmd:"" help:"Sign a selector pack, so that extensions built with your public key take it at once."`
	Publish packPublish `cmd:"" help:"Hand a selector pack to every extension that is connected, or connects."`
}

func (packCmd) Help() string {
	return `A selector pack says where things stand on the chat page. When the site changes, a new
pack heals the extensions without a new release.

Examples:
  chatbridge pack check pack.json
  openssl genpkey -algorithm ed25519 -out pack.key
  chatbridge pack sign pack.json --key pack.key
  chatbridge pack publish pack.json --data /var/lib/chatbridge

publish works beside a running server, which hands the pack on at once.`
}

func readPack(file string) ([]byte, *pack.Pack, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read %s: %w", file, plain(err))
	}
	p, err := pack.Check(data)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	return data, p, nil
}

type packCheck struct {
	File string `arg:"" help:"The pack." type:"path"`
}

func (c *packCheck) Run(io *console) error {
	_, p, err := readPack(c.File)
	if err != nil {
		return err
	}
	signed := "not signed: each extension asks its user before it takes it"
	if p.Signature != nil {
		signed = "signed"
	}
	fmt.Fprintf(io.out, "The pack is in order: version %d, %d hooks, %s.\n", p.Version, len(p.Hooks), signed)
	return nil
}

type packSign struct {
	File string `arg:"" help:"The pack; the signature is written into it." type:"path"`
	Key  string `help:"File with an Ed25519 private key (PEM), as openssl genpkey makes it." required:"" type:"path" placeholder:"FILE"`
}

func (c *packSign) Run(io *console) error {
	data, _, err := readPack(c.File)
	if err != nil {
		return err
	}
	key, err := signingKey(c.Key)
	if err != nil {
		return err
	}
	signed, err := pack.Sign(data, key)
	if err != nil {
		return err
	}
	if err := os.WriteFile(c.File, signed, 0o644); err != nil { //nolint:gosec // a pack is public
		return fmt.Errorf("cannot write %s: %w", c.File, plain(err))
	}
	fmt.Fprintf(io.out, "Signed. Extensions that were built with this public key take it at once:\n  %s\n", hex.EncodeToString(key.Public().(ed25519.PublicKey)))
	return nil
}

func signingKey(file string) (ed25519.PrivateKey, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("cannot read the key %s: %w", file, plain(err))
	}
	wrong := errors.New("the key is not an Ed25519 private key in PEM. Make one with: openssl genpkey -algorithm ed25519 -out pack.key")
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, wrong
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, wrong
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, wrong
	}
	return key, nil
}

type packPublish struct {
	dataFlags
	File string `arg:"" help:"The pack." type:"path"`
}

func (c *packPublish) Run(ctx context.Context, io *console) error {
	data, p, err := readPack(c.File)
	if err != nil {
		return err
	}
	store, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer store.Close()
	if err := bridge.Do(ctx, store.Post, &bridge.PublishPack{Version: p.Version, Pack: data, By: bridge.Actor{Name: "command line"}}); err != nil {
		return told(err)
	}
	c.knock()
	fmt.Fprintf(io.out, "Published version %d. A running server hands it to its extensions now.\n", p.Version)
	return nil
}
