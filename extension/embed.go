// Package extension holds the browser extension, built, and writes copies of it.
//
// Its sources are in src/ and pack/; `npm ci && npm run build` in this folder
// makes dist/ from them. dist/ is committed, so that building the program needs
// no Node.
package extension

import (
	"embed"
	"fmt"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Browser is what a copy is for.
type Browser string

// The browsers. Chrome stands for all that are made of Chromium.
const (
	Chrome  Browser = "chrome"
	Firefox Browser = "firefox"
)

// files returns the built extension, with manifest.json at its root.
func files(b Browser) (fs.FS, error) {
	f, err := fs.Sub(dist, "dist/"+string(b))
	if err != nil {
		return nil, fmt.Errorf("open the embedded extension: %w", err)
	}
	if _, err := fs.Stat(f, manifestName); err != nil {
		return nil, fmt.Errorf("open the embedded extension: there is none for %q", b)
	}
	return f, nil
}
