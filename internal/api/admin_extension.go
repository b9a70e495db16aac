package api

import (
	"bytes"
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"chatbridge/extension"
)

// extensionOperation answers with a file, not with JSON.
func extensionOperation() huma.Operation {
	op := secured("extension", http.MethodGet, "/extension/", "Download the browser extension: a zip, not paired with any account", http.StatusOK)
	op.Responses = map[string]*huma.Response{"200": {Description: "The extension, to be unpacked and loaded", Content: map[string]*huma.MediaType{"application/zip": {}}}}
	return op
}

func (s *Server) adminExtension(_ context.Context, in *struct {
	Browser string `query:"browser" enum:"chrome,firefox" default:"chrome" doc:"chrome is for every browser made of Chromium"`
}) (*huma.StreamResponse, error) {
	var packed bytes.Buffer
	if err := extension.Zip(&packed, extension.Browser(in.Browser)); err != nil {
		return nil, problemOf(s.o.Log, err)
	}
	return &huma.StreamResponse{Body: func(c huma.Context) {
		c.SetHeader("Content-Type", "application/zip")
		c.SetHeader("Content-Disposition", `attachment; filename="chatbridge-`+in.Browser+`.zip"`)
		_, _ = c.BodyWriter().Write(packed.Bytes())
	}}, nil
}
