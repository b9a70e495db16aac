package api

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestTakesGzip(t *testing.T) {
	for header, want := range map[string]bool{
		"": false, "gzip": true, "br, GZIP": true, "gzip;q=0.5": true, "gzip; q=0": false, "gzip;q=0.000": false, "gzip;q=x": false,
		"deflate, br;q=1": false, "gzip2": false, "*": false,
	} {
		if got := takesGzip(http.Header{"Accept-Encoding": {header}}); got != want {
			t.Errorf("%q: %v", header, got)
		}
	}
}

func TestAsset(t *testing.T) {
	text := strings.Repeat("let answer = 42;\n", 100)
	a, err := newAsset("x.js", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	ask := func(method string, header ...string) *http.Response {
		r := httptest.NewRequest(method, "/assets/x.js", nil)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		a.serve(w, r)
		return w.Result()
	}
	plain, packed := ask("GET"), ask("GET", "Accept-Encoding", "gzip, br")
	tags := map[string]string{"": plain.Header.Get("ETag"), "gzip": packed.Header.Get("ETag")}
	if tags[""] == tags["gzip"] || tags[""] == "" || tags["gzip"] == "" {
		t.Errorf("ETags: %v", tags)
	}
	for encoding, r := range map[string]*http.Response{"": plain, "gzip": packed} {
		if h := r.Header; r.StatusCode != 200 || h.Get("Content-Encoding") != encoding || h.Get("Vary") != "Accept-Encoding" ||
			h.Get("Content-Type") != "text/javascript; charset=utf-8" || h.Get("Cache-Control") != "no-cache" || h.Get("Content-Security-Policy") != pagePolicy {
			t.Errorf("%q: %d %v", encoding, r.StatusCode, h)
		}
		got, _ := io.ReadAll(r.Body)
		head := ask("HEAD", "Accept-Encoding", encoding)
		if rest, _ := io.ReadAll(head.Body); len(rest) != 0 || head.StatusCode != 200 || head.ContentLength != int64(len(got)) || head.Header.Get("ETag") != tags[encoding] {
			t.Errorf("HEAD %q: %d, length %d, %d bytes, %v", encoding, head.StatusCode, head.ContentLength, len(rest), head.Header)
		}
		if encoding == "gzip" {
			z, err := gzip.NewReader(bytes.NewReader(got))
			if err != nil {
				t.Fatal(err)
			}
			got, _ = io.ReadAll(z)
		}
		if string(got) != text {
			t.Errorf("%q: %d bytes", encoding, len(got))
		}
		if same := ask("GET", "Accept-Encoding", encoding, "If-None-Match", tags[encoding]); same.StatusCode != 304 || same.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q, unchanged: %d %v", encoding, same.StatusCode, same.Header)
		}
	}
	if other := ask("GET", "If-None-Match", tags["gzip"]); other.StatusCode != 200 {
		t.Errorf("the other encoding's ETag: %d", other.StatusCode)
	}
	if tiny, err := newAsset("x.svg", []byte("<svg/>")); err != nil || tiny.small.data != nil {
		t.Errorf("a file that gzip makes larger: %v %+v", err, tiny)
	}
}
