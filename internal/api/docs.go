package api

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

//go:embed docs.html
var docsHTML string

var docsTemplate = template.Must(template.New("docs").Parse(docsHTML))

func (s *Server) openAPI(w http.ResponseWriter, _ *http.Request) {
	data, err := json.Marshal(s.api.OpenAPI())
	if err != nil {
		s.fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/openapi+json")
	_, _ = w.Write(data)
}

// docs shows the API to read, of the same description as openapi.json. It loads
// nothing from elsewhere.
func (s *Server) docs(w http.ResponseWriter, _ *http.Request) {
	var page bytes.Buffer
	if err := docsTemplate.Execute(&page, describe(s.api.OpenAPI(), s.operations)); err != nil {
		s.fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", pagePolicy)
	_, _ = w.Write(page.Bytes())
}

type docsView struct {
	Title, Version, Description string
	Groups                      []docsGroup
}

type docsGroup struct {
	Name string
	Ops  []docsOp
}

type docsOp struct {
	ID, Method, Path, Summary, Description, Access string
	Params, Body, Answer                           []docsField
	Statuses                                       []docsStatus
}

type docsField struct{ Name, Where, Type, Doc string }

type docsStatus struct{ Status, Doc string }

func describe(o *huma.OpenAPI, operations []*huma.Operation) docsView {
	v := docsView{Title: o.Info.Title, Version: o.Info.Version, Description: o.Info.Description}
	for _, op := range operations {
		if last := len(v.Groups) - 1; last < 0 || v.Groups[last].Name != op.Tags[0] {
			v.Groups = append(v.Groups, docsGroup{Name: op.Tags[0]})
		}
		group := &v.Groups[len(v.Groups)-1]
		group.Ops = append(group.Ops, describeOp(o.Components.Schemas, op))
	}
	return v
}

func describeOp(schemas huma.Registry, op *huma.Operation) docsOp {
	d := docsOp{ID: op.OperationID, Method: op.Method, Path: op.Path, Summary: op.Summary, Description: op.Description, Access: accessOf(op)}
	for _, p := range op.Parameters {
		d.Params = append(d.Params, docsField{Name: p.Name, Where: p.In, Type: typeName(p.Schema), Doc: firstOf(p.Description, p.Schema.Description)})
	}
	if op.RequestBody != nil {
		if m := op.RequestBody.Content["application/json"]; m != nil {
			d.Body = fields(schemas, m.Schema)
		}
	}
	for _, status := range slices.Sorted(mapKeys(op.Responses)) {
		r := op.Responses[status]
		d.Statuses = append(d.Statuses, docsStatus{status, r.Description})
		if m := r.Content["application/json"]; m != nil && strings.HasPrefix(status, "2") {
			d.Answer = fields(schemas, m.Schema)
		}
	}
	return d
}

func mapKeys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func accessOf(op *huma.Operation) string {
	switch {
	case len(op.Security) == 0:
		return "no key"
	case len(op.Security[0]) == 0:
		return "API key, or none where the stream may be read without one"
	}
	if _, admin := op.Security[0]["session"]; admin {
		return "admin session or token"
	}
	return "API key"
}

func fields(schemas huma.Registry, s *huma.Schema) []docsField {
	if s == nil {
		return nil
	}
	if s.Type == "array" {
		s = s.Items
	}
	if s.Ref != "" {
		s = schemas.SchemaFromRef(s.Ref)
	}
	if s == nil {
		return nil
	}
	names := make([]string, 0, len(s.Properties))
	for name := range s.Properties {
		names = append(names, name)
	}
	slices.Sort(names)
	var out []docsField
	for _, name := range names {
		p := s.Properties[name]
		where := ""
		if slices.Contains(s.Required, name) {
			where = "required"
		}
		out = append(out, docsField{Name: name, Where: where, Type: typeName(p), Doc: p.Description})
	}
	return out
}

func typeName(s *huma.Schema) string {
	switch {
	case s == nil:
		return ""
	case s.Ref != "":
		return s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]
	case len(s.Enum) > 0:
		var words []string
		for _, e := range s.Enum {
			if text, ok := e.(string); ok {
				words = append(words, text)
			}
		}
		return strings.Join(words, " | ")
	case s.Type == "array":
		return "list of " + typeName(s.Items)
	case s.Format != "" && s.Type == "string":
		return s.Format
	case s.Type == "" && len(s.OneOf) > 0:
		return "string or integer"
	case s.Type == "":
		return "any JSON"
	}
	return s.Type
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
