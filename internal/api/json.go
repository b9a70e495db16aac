package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
)

// strictJSON reads bodies as encoding/json does, but refuses what that would
// silently replace: invalid UTF-8 and lone surrogates. A message is kept exactly
// as given or not at all.
var strictJSON = huma.Format{
	Marshal: func(w io.Writer, v any) error {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		return enc.Encode(v)
	},
	Unmarshal: func(data []byte, v any) error {
		if err := checkText(data); err != nil {
			return err
		}
		err := json.Unmarshal(data, v)
		if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return fmt.Errorf("%s"+wrongType+"%s, not a %s", orBody(t.Field), kindName(t.Type.Kind().String()), t.Value)
		}
		return err
	},
}

// wrongType stands behind the field's name in an error. Huma passes on only what
// the error says.
const wrongType = " must be a "

// wholeBody is the field of what is wrong with no single field.
const wholeBody = "the body"

func orBody(field string) string {
	if field == "" {
		return wholeBody
	}
	return field
}

func kindName(kind string) string {
	switch {
	case strings.HasPrefix(kind, "int"), strings.HasPrefix(kind, "float"):
		return "number"
	case kind == "bool":
		return "boolean"
	case kind == "struct", kind == "map":
		return "JSON object"
	case kind == "slice":
		return "list"
	default:
		return kind
	}
}

var (
	errNotUTF8       = errors.New("the body is not valid UTF-8; encode it as UTF-8")
	errLoneSurrogate = errors.New(`the body has a lone surrogate (\ud800 to \udfff without its other half), which is no character; remove it`)
)

// checkText finds bytes that are not UTF-8 and escapes that are half a
// character, in what is otherwise for the JSON parser to judge.
func checkText(data []byte) error {
	if !utf8.Valid(data) {
		return errNotUTF8
	}
	for i := 0; i+1 < len(data); i++ {
		if data[i] != '\\' {
			continue
		}
		unit, ok := escapedUnit(data[i:])
		switch {
		case !ok:
			i++ // skip the escaped character
		case unit >= 0xDC00 && unit <= 0xDFFF:
			return errLoneSurrogate
		case unit >= 0xD800 && unit <= 0xDBFF:
			low, ok := escapedUnit(data[i+6:])
			if !ok || low < 0xDC00 || low > 0xDFFF {
				return errLoneSurrogate
			}
			i += 11
		default:
			i += 5
		}
	}
	return nil
}

// escapedUnit reads \uXXXX at the beginning of data.
func escapedUnit(data []byte) (unit int, ok bool) {
	if len(data) < 6 || data[0] != '\\' || data[1] != 'u' {
		return 0, false
	}
	for _, c := range data[2:6] {
		unit <<= 4
		switch {
		case c >= '0' && c <= '9':
			unit |= int(c - '0')
		case c >= 'a' && c <= 'f':
			unit |= int(c-'a') + 10
		case c >= 'A' && c <= 'F':
			unit |= int(c-'A') + 10
		default:
			return 0, false
		}
	}
	return unit, true
}

// wantsJSON refuses bodies that do not say that they are JSON.
func wantsJSON(r *http.Request) error {
	if r.ContentLength == 0 || r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions {
		return nil
	}
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	if kind == "application/json" || strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json") {
		r.Header.Set("Content-Type", "application/json") // whatever its case, parameters and suffix
		return nil
	}
	return errNotJSON
}

var errNotJSON = &Problem{Title: http.StatusText(http.StatusUnsupportedMediaType), Status: http.StatusUnsupportedMediaType, Code: "unsupported_media_type",
	Detail: "Send the body as JSON, with the header Content-Type: application/json."}
