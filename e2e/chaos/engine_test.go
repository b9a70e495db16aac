package chaos

import "testing"

// engine is a store, and how it fails.
type engine struct {
	name   string
	env    []string // for serve, and for commands beside it
	faults []fault
}

// engines start a store each, or skip the test where there is none.
var engines = map[string]func(testing.TB) *engine{
	"postgres": onPostgres,
	"sqlite": func(testing.TB) *engine {
		return &engine{name: "sqlite", faults: []fault{{"disk full", (*town).fillDisk}}}
	},
}
