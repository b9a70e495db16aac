//go:build !race

package harness

// raceArgs builds the program as the tests are built.
var raceArgs []string
