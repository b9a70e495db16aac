package main

import (
	"net/url"
	"reflect"
	"testing"
)

func TestShown(t *testing.T) {
	public, _ := url.Parse("https://me:hush@bridge.example.com/x")
	for want, value := range map[string]any{
		"":                             "",
		"text":                         "text",
		"postgres://db.example.com/cb": "postgres://me:hush@db.example.com/cb?password=hush&sslmode=disable",
		"https://bridge.example.com/x": public,
		"[https://a.example]":          []string{"https://a.example"},
		"localhost:8000":               "localhost:8000",
		"14d":                          keep(14 * day),
	} {
		if got := shown(reflect.ValueOf(value)); got != want {
			t.Errorf("%v is shown as %q, want %q", value, got, want)
		}
	}
}
