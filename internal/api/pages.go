package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"

	"chatbridge/web"
)

// registerPages serves the embedded pages: the chat page, the panel and their
// assets. Everything is in memory, with an ETag of its content.
func (s *Server) registerPages() error {
	files := map[string]asset{}
	err := fs.WalkDir(web.Files(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(web.Files(), name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(data)
		files[name] = asset{data: data, tag: `"` + hex.EncodeToString(sum[:8]) + `"`, kind: kindOf(name)}
		return nil
	})
	if err != nil {
		return err
	}
	s.mux.HandleFunc("GET /{$}", files["index.html"].serve)
	s.mux.HandleFunc("GET /client/{$}", files["index.html"].serve)
	s.mux.HandleFunc("GET /admin/", files["admin.html"].serve)
	s.mux.HandleFunc("GET /favicon.ico", files["favicon.svg"].serve)
	s.mux.HandleFunc("GET /assets/{name...}", func(w http.ResponseWriter, r *http.Request) {
		a, ok := files[r.PathValue("name")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		a.serve(w, r)
	})
	return nil
}

func kindOf(name string) string {
	if strings.HasSuffix(name, ".js") {
		return "text/javascript; charset=utf-8"
	}
	return mime.TypeByExtension(path.Ext(name))
}

// asset is one embedded file.
type asset struct {
	data []byte
	tag  string
	kind string
}

func (a asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", a.tag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.data))
}
