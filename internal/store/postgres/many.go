package postgres

import (
	"fmt"
	"strings"
)

// many is a statement that is about many rows at once: they come as one array for
// each column, which costs little more than one row does.
type many struct{ text, kinds string }

// spec is columns with their kinds: "id i, name t", see columns. It gives the names,
// the kinds and what makes a table u of the arrays.
func spec(columns string) (names []string, kinds, unnest string) {
	var types []string
	for i, c := range strings.Split(columns, ",") {
		name, kind, _ := strings.Cut(strings.TrimSpace(c), " ")
		names, kinds = append(names, name), kinds+kind
		types = append(types, fmt.Sprintf("$%d::%s[]", i+1, map[string]string{"i": "bigint", "t": "text", "b": "boolean", "y": "bytea"}[kind]))
	}
	return names, kinds, "unnest(" + strings.Join(types, ", ") + ") u (" + strings.Join(names, ", ") + ")"
}

// insertMany inserts rows in the order in which they come.
func insertMany(table, columns string) many {
	names, kinds, unnest := spec(columns)
	list := strings.Join(names, ", ")
	return many{"INSERT INTO " + table + " (" + list + ") SELECT " + list + " FROM " + unnest, kinds}
}

// putMany inserts rows, or changes those that are there by their key, which is the
// first so many columns.
func putMany(table string, keys int, columns string) many {
	m := insertMany(table, columns)
	names, _, _ := spec(columns)
	var sets []string
	for _, name := range names[keys:] {
		sets = append(sets, name+" = excluded."+name)
	}
	m.text += " ON CONFLICT (" + strings.Join(names[:keys], ", ") + ") DO UPDATE SET " + strings.Join(sets, ", ")
	return m
}

// updateMany changes rows by their key, which is the first so many columns.
func updateMany(table string, keys int, columns string) many {
	names, kinds, unnest := spec(columns)
	var sets []string
	for _, name := range names[keys:] {
		sets = append(sets, name+" = u."+name)
	}
	return many{"UPDATE " + table + " t SET " + strings.Join(sets, ", ") + " FROM " + unnest + " WHERE " + sameKeys(names[:keys]), kinds}
}

func sameKeys(names []string) string {
	var same []string
	for _, name := range names {
		same = append(same, "t."+name+" = u."+name)
	}
	return strings.Join(same, " AND ")
}

// deleteMany deletes rows by their key.
func deleteMany(table, columns string) many {
	names, kinds, unnest := spec(columns)
	return many{"DELETE FROM " + table + " t USING " + unnest + " WHERE " + sameKeys(names), kinds}
}

// run adds the statement to a pipeline, for rows if there are any: more than once
// where they hold large texts.
func (m many) run(p *pipeline, rows [][]any) {
	for len(rows) > 0 {
		n := fitting(rows)
		p.exec(m.text, columns(m.kinds, rows[:n])...)
		rows = rows[n:]
	}
}

// bytesAtOnce bounds the texts of one statement: the server takes up to 1 GB, and
// holds a statement whole.
const bytesAtOnce = 16 << 20

// fitting is how many of the rows go into one statement, one at least.
func fitting(rows [][]any) int {
	size := 0
	for i, r := range rows {
		for _, v := range r {
			if text, ok := v.(string); ok {
				size += len(text)
			}
		}
		if size > bytesAtOnce && i > 0 {
			return i
		}
	}
	return len(rows)
}

// each adds the statement, which must find every row.
func (m many) each(p *pipeline, rows [][]any) {
	if len(rows) > 0 {
		p.expect(len(rows), errNoSuchRow, m.text, columns(m.kinds, rows)...)
	}
}
