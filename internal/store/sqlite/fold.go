package sqlite

import (
	"database/sql/driver"

	"modernc.org/sqlite"

	"chatbridge/internal/store/fold"
)

// addContains gives every connection that is opened afterwards
// chatbridge_contains(text, needle): SQLite's own LIKE knows only the case of
// ASCII.
func addContains() error {
	return sqlite.RegisterFunction("chatbridge_contains", &sqlite.FunctionImpl{
		NArgs: 2, Deterministic: true,
		VolatileArgs: true, // texts of megabytes are not copied; neither is kept
		Scalar: func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
			text, _ := args[0].(string)
			needle, _ := args[1].(string)
			if fold.Contains(text, needle) {
				return int64(1), nil
			}
			return int64(0), nil
		},
	})
}
