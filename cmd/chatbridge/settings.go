package main

import (
	"fmt"
	"net/url"
	"os"
	"reflect"

	"github.com/alecthomas/kong"

	"chatbridge/internal/api"
)

// settingsOf lists the flags of the command that is run, and where each value
// comes from. Hidden flags are left out: a password may be among them.
func settingsOf(k *kong.Context) (list []api.Setting) {
	given := map[*kong.Flag]bool{}
	for _, step := range k.Path {
		if step.Flag != nil {
			given[step.Flag] = true
		}
	}
	for _, flag := range k.Selected().Flags {
		if flag.Hidden {
			continue
		}
		s := api.Setting{Name: flag.Name, Flag: "--" + flag.Name, Value: shown(flag.Target), Origin: "default", About: flag.Help}
		for _, name := range flag.Envs {
			s.Env = name
			if _, set := os.LookupEnv(name); set {
				s.Origin = "environment"
			}
		}
		if given[flag] {
			s.Origin = "flag"
		}
		list = append(list, s)
	}
	return list
}

// shown is a value as text, without a password that stands in a URL.
func shown(v reflect.Value) string {
	switch value := v.Interface().(type) {
	case *url.URL:
		if value == nil {
			return ""
		}
		return shown(reflect.ValueOf(value.String()))
	case string:
		if u, err := url.Parse(value); err == nil && u.Host != "" {
			return u.Scheme + "://" + u.Host + u.Path // a password may stand before the host, or in the query
		}
		return value
	default:
		if v.Kind() == reflect.Slice && v.Len() == 0 {
			return ""
		}
		return fmt.Sprint(value)
	}
}
