package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"chatbridge/e2e/harness"
	"chatbridge/internal/webhook"
)

// docPages are the pages that the tests below read.
func docPages(t *testing.T) []string {
	pages := []string{"../README.md", "../CONTRIBUTING.md"}
	err := filepath.WalkDir("../docs", func(path string, _ fs.DirEntry, err error) error {
		if filepath.Ext(path) == ".md" {
			pages = append(pages, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

// fence is a fenced block of a page.
type fence struct {
	line int
	info string // what stands behind the opening ```
	text string
}

func fences(t *testing.T, page string) []fence {
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var out []fence
	var open *fence
	for i, line := range strings.SplitAfter(string(data), "\n") {
		info, mark := strings.CutPrefix(line, "```")
		switch {
		case mark && open == nil:
			open = &fence{line: i + 1, info: strings.TrimSpace(info)}
		case mark:
			out, open = append(out, *open), nil
		case open != nil:
			open.text += line
		}
	}
	if open != nil {
		t.Errorf("%s:%d: the block does not end", page, open.line)
	}
	return out
}

// TestDocs runs the blocks marked "sh test" of every page against a server with
// the demo, and compares what they print with the "json expect" or "text
// expect" that follows: JSON has at least what is expected, text has the
// expected lines in their order; "…" stands for anything.
func TestDocs(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("the examples need curl")
	}
	ran := 0
	for _, page := range docPages(t) {
		blocks := fences(t, page)
		if !slices.ContainsFunc(blocks, func(f fence) bool { return f.info == "sh test" }) {
			continue
		}
		ran++
		t.Run(filepath.Base(page), func(t *testing.T) {
			t.Parallel()
			env := exampleServer(t)
			for i, block := range blocks {
				if block.info != "sh test" {
					continue
				}
				where := fmt.Sprintf("%s:%d", page, block.line)
				got := runExample(t, where, env, block.text)
				if i+1 == len(blocks) {
					continue
				}
				var err error
				switch want := blocks[i+1]; want.info {
				case "json expect":
					err = hasJSON(want.text, got)
				case "text expect":
					err = hasLines(want.text, got)
				}
				if err != nil {
					t.Errorf("%s: %v\nit printed:\n%s", where, err, got)
				}
			}
		})
	}
	if ran == 0 {
		t.Error("no page has an example")
	}
}

// exampleServer starts a server with what the pages say that there is.
func exampleServer(t *testing.T) []string {
	s := harness.Start(t, "--demo")
	path := filepath.Join(s.Dir, "demo.key")
	harness.Eventually(t, "the demo's key", func() bool {
		data, err := os.ReadFile(path)
		return err == nil && len(data) > 0
	})
	data, _ := os.ReadFile(path)
	key := strings.TrimSpace(string(data))
	c := s.Client(key)
	first := c.Submit("Hello")
	answered := c.Await(first.ID, "the demo answers", harness.Status("done"))
	token, id := s.Token(), answered.ID
	harness.Eventually(t, "its webhook is delivered", func() bool {
		var deliveries []struct{ Status string }
		s.Admin().Call("GET", "/api/admin/deliveries/?request_id="+id, nil).Want(http.StatusOK).JSON(&deliveries)
		return len(deliveries) == 1 && deliveries[0].Status == "delivered"
	})
	next := c.Submit("And a second one") // so that lists have two pages
	c.Await(next.ID, "the demo answers", harness.Status("done"))
	return append(append(os.Environ(), s.Env()...),
		"PATH="+filepath.Dir(harness.Binary(t))+string(os.PathListSeparator)+os.Getenv("PATH"),
		"BASE=http://"+s.Addr, "KEY="+key, "ID="+id, fmt.Sprintf("CHAT=%d", answered.Chat.ID), fmt.Sprintf("ACCOUNT=%d", accountOf(t, s, c)), "TOKEN="+token)
}

func runExample(t *testing.T, where string, env []string, script string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-eu", "-c", script)
	cmd.Env, cmd.Dir, cmd.WaitDelay = env, t.TempDir(), harness.Patience
	timer := time.AfterFunc(harness.Patience, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	out, err := cmd.Output()
	if err != nil {
		var failed *exec.ExitError
		_ = errors.As(err, &failed)
		t.Fatalf("%s: %v\n%s%s", where, err, out, failed.Stderr)
	}
	return string(out)
}

// hasJSON checks that got has at least what is expected.
func hasJSON(expected, got string) error {
	var want, have any
	if err := json.Unmarshal([]byte(expected), &want); err != nil {
		return fmt.Errorf("the expected output: %w", err)
	}
	if err := json.Unmarshal([]byte(got), &have); err != nil {
		return fmt.Errorf("the output: %w", err)
	}
	return within(want, have, "the output")
}

func within(want, have any, at string) error {
	switch w := want.(type) {
	case map[string]any:
		h, ok := have.(map[string]any)
		if !ok {
			return fmt.Errorf("%s is %v, not an object", at, have)
		}
		for name, value := range w {
			if _, ok := h[name]; !ok {
				return fmt.Errorf("%s has no %s", at, name)
			}
			if err := within(value, h[name], at+"."+name); err != nil {
				return err
			}
		}
	case []any:
		h, ok := have.([]any)
		if !ok || len(h) != len(w) {
			return fmt.Errorf("%s is %v, not a list of %d", at, have, len(w))
		}
		for i := range w {
			if err := within(w[i], h[i], fmt.Sprintf("%s[%d]", at, i)); err != nil {
				return err
			}
		}
	default:
		if w == "…" && have != nil || w == have {
			return nil
		}
		return fmt.Errorf("%s is %v, want %v", at, have, want)
	}
	return nil
}

// hasLines checks that got has the expected lines in their order, with others
// between them perhaps.
func hasLines(expected, got string) error {
	lines := strings.Split(got, "\n")
	for want := range strings.Lines(expected) {
		want = strings.TrimSpace(want)
		shape := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(want), "…", ".*") + "$")
		at := slices.IndexFunc(lines, func(line string) bool { return shape.MatchString(strings.TrimSpace(line)) })
		if at < 0 {
			return fmt.Errorf("no further line is %q", want)
		}
		lines = lines[at+1:]
	}
	return nil
}

// verifiers is how each language's example is called: with a genuine message it
// must say yes, with another body no.
var verifiers = map[string]struct {
	file, head, tail string
	run              []string
}{
	"go": {"verify.go", "package main\n", `
func main() {
	h := http.Header{}
	for _, name := range []string{"webhook-id", "webhook-timestamp", "webhook-signature"} {
		h.Set(name, os.Getenv(name))
	}
	body := []byte(os.Getenv("body"))
	fmt.Println(verify(os.Getenv("secret"), h, body), verify(os.Getenv("secret"), h, append(body, ' ')))
}
`, []string{"go", "run", "verify.go"}},
	"js": {"verify.mjs", "", `
const { body, secret } = process.env;
console.log(verify(secret, process.env, body), verify(secret, process.env, body + " "));
`, []string{"node", "verify.mjs"}},
	"python": {"verify.py", "", `
import os
body, secret = os.environb[b"body"], os.environ["secret"]
print(str(verify(secret, os.environ, body)).lower(), str(verify(secret, os.environ, body + b" ")).lower())
`, []string{"python3", "verify.py"}},
}

// TestDocsVerify runs the examples that verify a signature, on a message that
// the program signs with two secrets, as during a rotation.
func TestDocsVerify(t *testing.T) {
	t.Parallel()
	secret, body, h := webhook.NewSecret(), `{"response":"Grüße"}`, http.Header{}
	if err := webhook.SetHeaders(h, []string{webhook.NewSecret(), secret}, "msg_1", time.Now(), []byte(body)); err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), "secret="+secret, "body="+body)
	for name, values := range h {
		env = append(env, strings.ToLower(name)+"="+values[0])
	}
	found := 0
	for _, block := range fences(t, "../docs/protocol.md") {
		language, marked := strings.CutSuffix(block.info, " verify")
		if !marked {
			continue
		}
		found++
		t.Run(language, func(t *testing.T) {
			how := verifiers[language]
			if _, err := exec.LookPath(how.run[0]); err != nil {
				t.Skip(err)
			}
			code := how.head + strings.Replace(block.text, "\t\"net/http\"\n", "\t\"net/http\"\n\t\"os\"\n", 1) + how.tail
			cmd := exec.CommandContext(t.Context(), how.run[0], how.run[1:]...)
			cmd.Env, cmd.Dir = env, t.TempDir()
			if err := os.WriteFile(filepath.Join(cmd.Dir, how.file), []byte(code), 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := cmd.CombinedOutput()
			if want := "true false\n"; err != nil || string(out) != want {
				t.Errorf("docs/protocol.md:%d: %v, printed %q, want %q", block.line, err, out, want)
			}
		})
	}
	want(t, "examples", found, len(verifiers))
}

var (
	docLink    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	docHeading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	docNoSlug  = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// slugs are the anchors that a page's headings have.
func slugs(t *testing.T, page string) []string {
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, m := range docHeading.FindAllStringSubmatch(string(data), -1) {
		out = append(out, strings.ReplaceAll(docNoSlug.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-"))
	}
	return out
}

// TestDocsLinks follows the links between the pages, and to files of the
// repository.
func TestDocsLinks(t *testing.T) {
	t.Parallel()
	for _, page := range docPages(t) {
		data, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range docLink.FindAllStringSubmatch(string(data), -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			at := page
			if target != "" {
				at = filepath.Join(filepath.Dir(page), target)
			}
			if _, err := os.Stat(at); err != nil {
				t.Errorf("%s links to %s, which is not there", page, m[1])
			} else if anchor != "" && !slices.Contains(slugs(t, at), anchor) {
				t.Errorf("%s links to %s, which has no such heading", page, m[1])
			}
		}
	}
}
