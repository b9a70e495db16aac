// Package web holds the two pages of the program, built: the chat page and the admin panel.
//
// Their sources are in src/; `npm ci && npm run build` in this folder makes dist/ from them. dist/ is committed, so that
// building the program needs no Node.
package web

import (
	"embed"
	"fmt"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Files returns the built pages, rooted in dist: index.html (the chat page), admin.html (the panel, one file for every path
// below /admin/), and what they load from /assets/: chat.js, chat.css, admin.js, admin.css, theme.js, favicon.svg and
// licenses.txt. The file system is read-only and lives as long as the program.
func Files() fs.FS {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		// fs.Sub fails only for an invalid path, and "dist" is a constant.
		panic(fmt.Sprintf("web: open the embedded dist folder: %v", err))
	}
	return files
}
