package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
)

// pipeline is statements that go to the server together: one round trip, however
// many they are. The first that fails keeps those behind it from being executed.
type pipeline struct {
	batch pgx.Batch
	each  []func(*row)        // by statement; nil: it returns nothing
	count []func(int64) error // by statement: judges how many rows it was about; nil: any number will do
}

// query adds a statement; each is called for every row it returns, and must not
// keep the row.
func (p *pipeline) query(text string, each func(*row), args ...any) { p.add(text, each, nil, args) }

// exec adds a statement of which the rows do not matter.
func (p *pipeline) exec(text string, args ...any) { p.add(text, nil, nil, args) }

// expect adds a statement that must be about exactly n rows; otherwise wrong is
// the pipeline's error.
func (p *pipeline) expect(n int, wrong error, text string, args ...any) {
	p.add(text, nil, func(got int64) error {
		if got != int64(n) {
			return wrong
		}
		return nil
	}, args)
}

func (p *pipeline) add(text string, each func(*row), count func(int64) error, args []any) {
	p.batch.Queue(text, storable(args)...)
	p.each = append(p.each, each)
	p.count = append(p.count, count)
}

func (p *pipeline) empty() bool { return len(p.each) == 0 }

// send executes the statements. Of an error, at is the place of the statement
// that it is about. Statements that wrote another number of rows than expected
// do not keep later ones from being executed, so such a pipeline must not commit.
func (p *pipeline) send(ctx context.Context, c *pgx.Conn) (at int, err error) {
	if p.empty() {
		return 0, nil
	}
	results := c.SendBatch(ctx, &p.batch)
	defer func() {
		if e := results.Close(); err == nil {
			err = e
		}
	}()
	var wrong error
	wrongAt := 0
	for at := range p.each {
		n, err := p.receive(results, at)
		if err != nil {
			return at, err
		}
		if p.count[at] != nil && wrong == nil {
			wrong, wrongAt = p.count[at](n), at
		}
	}
	return wrongAt, wrong
}

func (p *pipeline) receive(results pgx.BatchResults, at int) (n int64, err error) {
	if p.each[at] == nil {
		tag, err := results.Exec()
		if err == nil && tag.String() == "ROLLBACK" && p.batch.QueuedQueries[at].SQL == commit {
			return 0, errors.New("the server rolled the transaction back instead of committing it")
		}
		return tag.RowsAffected(), err
	}
	rows, err := results.Query()
	if err != nil {
		return 0, err
	}
	each(rows, p.each[at])
	return rows.CommandTag().RowsAffected(), rows.Err()
}

// each hands the rows out and closes them.
func each(rows pgx.Rows, f func(*row)) {
	defer rows.Close()
	for rows.Next() {
		f(&row{values: rows.RawValues()})
	}
}
