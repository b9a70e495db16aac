package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"chatbridge/internal/api"
	"chatbridge/internal/bridge"
)

type adminCmd struct {
	Link  adminLink  `cmd:"" help:"Print a one-time link to set the admin password: the first one, or one that was lost."`
	Token adminToken `cmd:"" help:"Tokens for scripts."`
}

func (adminCmd) Help() string {
	return `Examples:
  chatbridge admin link
  chatbridge admin link --url https://bridge.example.com
  chatbridge admin token create deploy --json
  chatbridge admin token list
  chatbridge admin token revoke deploy`
}

type adminLink struct {
	dataFlags
	URL string `help:"The server's address, as your browser opens it; the link begins with it." default:"http://localhost:8000" name:"url"`
}

func (c *adminLink) Run(ctx context.Context, io *console) error {
	var link string
	err := c.change(ctx, func(store bridge.Store) (err error) {
		link, err = makeLink(ctx, store.Post, c.URL)
		return err
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(io.out, link)
	return nil
}

// makeLink makes a one-time link that sets the admin's password.
func makeLink(ctx context.Context, post bridge.Post, base string) (string, error) {
	secret := bridge.NewSecretKey("")
	link := &bridge.Credential{Kind: "link", Hash: bridge.HashKey(secret), ExpiresAt: time.Now().Add(api.LinkLasts)}
	if err := bridge.Do(ctx, post, &bridge.PutCredential{Credential: link, By: operator}); err != nil {
		return "", err
	}
	return strings.TrimSuffix(base, "/") + "/admin/setup/?token=" + secret, nil
}

type adminToken struct {
	Create tokenCreate `cmd:"" help:"Make a token. Scripts send it to /api/admin/ as Authorization: Bearer TOKEN."`
	List   tokenList   `cmd:"" help:"List the tokens."`
	Revoke tokenRevoke `cmd:"" help:"Revoke a token: it is refused at once."`
}

type tokenCreate struct {
	dataFlags
	Name string `arg:"" help:"What the token is for, such as deploy."`
	JSON bool   `help:"Print JSON, for scripts." name:"json"`
}

func (c *tokenCreate) Run(ctx context.Context, io *console) error {
	token, credential, err := api.NewToken(c.Name)
	if err != nil {
		return usageError(told(err).Error())
	}
	err = c.change(ctx, func(store bridge.Store) error {
		return bridge.Do(ctx, store.Post, &bridge.PutCredential{Credential: credential, By: operator})
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(io.out).Encode(map[string]string{"token": token})
	}
	fmt.Fprintf(io.out, "%s\n\nIt is not shown again.\n", token)
	return nil
}

type tokenList struct {
	dataFlags
	JSON bool `help:"Print JSON, for scripts." name:"json"`
}

func (c *tokenList) Run(ctx context.Context, io *console) error {
	store, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer store.Close()
	tokens, err := store.Credentials(ctx, "token")
	if err != nil {
		return told(err)
	}
	type row struct {
		ID        string    `json:"id"`
		Name      string    `json:"name"`
		CreatedAt time.Time `json:"created_at"`
	}
	rows := []row{}
	for _, t := range tokens {
		rows = append(rows, row{api.TokenID(t), t.Name, t.CreatedAt})
	}
	if c.JSON {
		return json.NewEncoder(io.out).Encode(rows)
	}
	if len(rows) == 0 {
		fmt.Fprintln(io.out, "No tokens yet. Make one with: chatbridge admin token create NAME")
		return nil
	}
	table := tabwriter.NewWriter(io.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tNAME\tMADE")
	for _, r := range rows {
		fmt.Fprintf(table, "%s\t%s\t%s\n", r.ID, r.Name, r.CreatedAt.Format(time.RFC3339))
	}
	return table.Flush()
}

type tokenRevoke struct {
	dataFlags
	Name string `arg:"" help:"The token's name, or its id where several have that name."`
}

func (c *tokenRevoke) Run(ctx context.Context, io *console) error {
	err := c.change(ctx, func(store bridge.Store) error {
		tokens, err := store.Credentials(ctx, "token")
		if err != nil {
			return err
		}
		var found []*bridge.Credential
		for _, t := range tokens {
			if t.Name == c.Name || api.TokenID(t) == c.Name {
				found = append(found, t)
			}
		}
		switch len(found) {
		case 0:
			return bridge.Errorf(bridge.NotFound, "not_found", "There is no token %q. List them with: chatbridge admin token list", c.Name)
		case 1:
			return bridge.Do(ctx, store.Post, &bridge.DropCredential{Credential: found[0], By: operator})
		}
		return bridge.Errorf(bridge.Conflict, "ambiguous", "%d tokens have the name %q. Give the id of one, from: chatbridge admin token list", len(found), c.Name)
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(io.out, "The token %s was revoked.\n", c.Name)
	return nil
}
