package chaos

import (
	"testing"

	"chatbridge/e2e/harness/actors"
	"chatbridge/internal/store/postgres/pgtest"
)

// onPostgres starts a PostgreSQL server of the run's own, which is stopped and
// killed like everything else.
func onPostgres(t testing.TB) *engine {
	server := pgtest.New(t, pgtest.Options{Fsync: true})
	name, err := server.NewDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	again := func(end func() error) func(*town) {
		return func(w *town) {
			err := end()
			if err == nil {
				actors.Sleep(w.Ctx, actors.Between(w.dice, restsLeast, restsMost))
				err = server.Start()
			}
			if err != nil {
				w.t.Fatal(err)
			}
		}
	}
	return &engine{name: "postgres", env: []string{"CHATBRIDGE_STORE=" + server.URL(name)},
		faults: []fault{{"PostgreSQL restarted", again(server.Stop)}, {"PostgreSQL killed", again(server.Kill)}}}
}
