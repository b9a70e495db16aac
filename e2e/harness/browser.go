package harness

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// Page is a tab of a real Chromium, without a window.
type Page struct {
	t   testing.TB
	ctx context.Context

	mu      sync.Mutex
	console []string // guarded by mu
}

// NewPage starts a browser with an empty profile. The test is skipped where
// there is no Chromium.
func NewPage(t testing.TB) *Page {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium here")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.UserDataDir(Folder(t)),
		chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-component-update", true))
	alloc, stopAlloc := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, stop := chromedp.NewContext(alloc)
	p := &Page{t: t, ctx: ctx}
	messages := chromedp.Console(ctx) // starts the browser
	var reading sync.WaitGroup
	reading.Go(func() { // the cleanup waits for it
		for m, err := range messages {
			if err != nil {
				return
			}
			p.mu.Lock()
			p.console = append(p.console, m.String())
			p.mu.Unlock()
		}
	})
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the page's console:\n%s", strings.Join(p.Console(""), "\n"))
		}
		stop()
		stopAlloc()
		reading.Wait()
	})
	return p
}

// Console is what the page has written whose line begins so, such as "log: ".
func (p *Page) Console(prefix string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var lines []string
	for _, line := range p.console {
		if rest, ok := strings.CutPrefix(line, prefix); ok {
			lines = append(lines, rest)
		}
	}
	return lines
}

// Do runs steps, within Patience.
func (p *Page) Do(what string, steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, Patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatalf("%s: %v", what, err)
	}
}

// Open goes to an address.
func (p *Page) Open(url string) {
	p.t.Helper()
	p.Do("open "+url, chromedp.Navigate(url))
}

func labelled(label string) chromedp.Search {
	return chromedp.Search(fmt.Sprintf(`//*[@id=//label[normalize-space(.)=%q]/@for]`, label))
}

// Fill writes into the field that has this label.
func (p *Page) Fill(label, value string) {
	p.t.Helper()
	p.Do("fill in "+label, chromedp.SendKeys(labelled(label), value))
}

// Value reads the field that has this label.
func (p *Page) Value(label string) string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, Patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Value(labelled(label)))
	if err != nil {
		p.t.Fatalf("read %s: %v", label, err)
	}
	return value
}

// Press clicks the button, or follows the link, that has these words.
func (p *Page) Press(words string) {
	p.t.Helper()
	p.Do("press "+words, chromedp.Click(chromedp.Search(fmt.Sprintf(`//*[self::button or self::a][normalize-space(.)=%q]`, words))))
}

// See waits until the page's text, as it is seen, contains this.
func (p *Page) See(text string) {
	p.t.Helper()
	p.Holds(fmt.Sprintf("document.body.innerText.includes(%q)", text))
}

// Holds waits until an expression of JavaScript is true.
func (p *Page) Holds(expression string) {
	p.t.Helper()
	Eventually(p.t, expression, func() bool {
		ctx, cancel := context.WithTimeout(p.ctx, Patience)
		defer cancel()
		is, err := chromedp.Run(ctx, chromedp.Evaluate[bool](expression))
		return err == nil && is
	})
}

// Block lets no request to addresses of this pattern, such as
// "*://*:*/api/sse/*", leave the browser.
func (p *Page) Block(pattern string) {
	p.t.Helper()
	p.Do("block "+pattern, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		if _, err := cdp.Call(ctx, t, network.Enable, network.EnableParams{}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, t, network.SetBlockedURLs, network.SetBlockedURLsParams{URLPatterns: []*network.BlockPattern{{URLPattern: pattern, Block: true}}})
		return err
	}))
}

// Type writes into the element of a CSS selector.
func (p *Page) Type(css, text string) {
	p.t.Helper()
	p.Do("type into "+css, chromedp.SendKeys(chromedp.CSS(css), text))
}
