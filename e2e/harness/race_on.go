//go:build race

package harness

// raceArgs builds the program as the tests are built: with the race detector,
// which makes it print what it finds and exit with status 66.
var raceArgs = []string{"-race"}
