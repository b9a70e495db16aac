package api

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"chatbridge/web"
)

// registerPages serves the embedded pages: the chat page, the panel and their
// assets. Everything is in memory, also compressed, with an ETag of its content.
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
		files[name], err = newAsset(name, data)
		return err
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
	kind         string
	plain, small encoded // small is gzip; empty where that would gain nothing
}

// encoded is a file's content in one encoding.
type encoded struct {
	data []byte
	tag  string
}

func newAsset(name string, data []byte) (asset, error) {
	sum := sha256.Sum256(data)
	tag := hex.EncodeToString(sum[:8])
	a := asset{kind: kindOf(name), plain: encoded{data, `"` + tag + `"`}}
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err == nil {
		_, err = z.Write(data)
	}
	if err == nil {
		err = z.Close()
	}
	if err == nil && packed.Len() < len(data) {
		a.small = encoded{packed.Bytes(), `"` + tag + `-gzip"`}
	}
	return a, err
}

func (a asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("Cache-Control", "no-cache")
	h.Add("Vary", "Accept-Encoding")
	as := a.plain
	if a.small.data != nil && takesGzip(r.Header) {
		as = a.small
		h.Set("Content-Encoding", "gzip")
		h.Set("Content-Length", strconv.Itoa(len(as.data))) // which ServeContent leaves to us where there is an encoding
	}
	h.Set("ETag", as.tag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(as.data))
}

// takesGzip reports whether a client accepts gzip by its name. (RFC 9110 section
// 12.5.3 has * for it too; whoever sends only that gets the file as it is.)
func takesGzip(h http.Header) bool {
	for _, coding := range splitList(strings.Join(h.Values("Accept-Encoding"), ",")) {
		name, weight, _ := strings.Cut(coding, ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			q, err := strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(weight), "q="), 64)
			return weight == "" || err == nil && q > 0
		}
	}
	return false
}
