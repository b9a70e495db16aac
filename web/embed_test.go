package web_test

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"chatbridge/web"
)

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := fs.ReadFile(web.Files(), name)
	if err != nil {
		t.Fatalf("read %s: %v", name, err)
	}
	return string(text)
}

// The server and the pages know each other by these names.
func TestPagesLoadWhatIsThere(t *testing.T) {
	asset := regexp.MustCompile(`(?:src|href)="/assets/([^"]+)"`)
	for page, wants := range map[string][]string{
		"index.html": {"theme.js", "chat.js", "chat.css", "favicon.svg"},
		"admin.html": {"theme.js", "admin.js", "admin.css", "favicon.svg"},
	} {
		text := read(t, page)
		named := map[string]bool{}
		for _, match := range asset.FindAllStringSubmatch(text, -1) {
			named[match[1]] = true
			if read(t, match[1]) == "" {
				t.Errorf("%s loads %s, which is empty", page, match[1])
			}
		}
		for _, want := range wants {
			if !named[want] {
				t.Errorf("%s does not load %s", page, want)
			}
		}
	}
	read(t, "licenses.txt")
}

// The pages' Content-Security-Policy allows no inline script and no inline style, and nothing from elsewhere.
func TestPagesKeepTheirPolicy(t *testing.T) {
	banned := []*regexp.Regexp{
		regexp.MustCompile(`<script(?:\s[^>]*)?>[^<]`),
		regexp.MustCompile(`<style`),
		regexp.MustCompile(`\sstyle="`),
		regexp.MustCompile(`\son[a-z]+="`),
		regexp.MustCompile(`(?:src|href)="(?:https?:)?//`),
	}
	for _, page := range []string{"index.html", "admin.html"} {
		text := read(t, page)
		for _, pattern := range banned {
			if found := pattern.FindString(text); found != "" {
				t.Errorf("%s has %q", page, found)
			}
		}
	}
	elsewhere := regexp.MustCompile(`https?://[a-zA-Z0-9.-]+`)
	fetchedByNobody := []string{
		"http://www.w3.org",   // names of XML namespaces
		"https://github.com",  // where libraries' errors say that they are to be reported
		"https://chatgpt.com", // a link that a person follows, where the remedy is at the site
	}
	for _, name := range []string{"chat.js", "admin.js", "de.js", "highlight.js", "maths.js", "theme.js", "chat.css", "admin.css"} {
		for _, found := range elsewhere.FindAllString(read(t, name), -1) {
			if !slices.Contains(fetchedByNobody, found) {
				t.Errorf("%s names %s", name, found)
			}
		}
	}
}

// Whoever follows the setup guide looks for these lines in the browser's console.
func TestChatPrintsTheGuidesLines(t *testing.T) {
	script := read(t, "chat.js")
	for _, line := range []string{
		"📡 Connecting to SSE for request: ",
		"✅ SSE connection established",
		"📨 SSE message received:",
		"✅ Response received successfully",
		"SSE error",
	} {
		if !strings.Contains(script, line) {
			t.Errorf("chat.js lacks %q", line)
		}
	}
}
