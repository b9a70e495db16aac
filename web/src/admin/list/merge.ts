/** What a fresh page says about the rows that are shown. */
export interface News<Row> {
  /** The shown rows in their places, changed ones as they are now. The same array if nothing changed. */
  rows: Row[];
  /** Of so many of the shown rows, from the first on, the fresh page tells. */
  reach: number;
  /** How many rows of the fresh page are not shown. */
  fresh: number;
  /** Nothing of the fresh page is shown: there may be more between. */
  more: boolean;
  /** The ids of shown rows that would stand on the fresh page and do not. */
  gone: Set<string>;
}

/**
 * Compares a fresh page with what is shown from its beginning on. Nothing moves: rows are changed in their places, new ones are counted, and those that
 * are missing are named. `whole`: there is nothing beyond the fresh page.
 */
export function compare<Row>(shown: Row[], page: Row[], whole: boolean, id: (row: Row) => string): News<Row> {
  const pageById = new Map(page.map((row) => [id(row), row]));
  const shownIds = new Set(shown.map(id));
  const fresh = page.filter((row) => !shownIds.has(id(row))).length;
  // The page reaches down to the last of its rows that is shown; what is further down it says nothing about.
  const reach = whole ? shown.length : shown.findLastIndex((row) => pageById.has(id(row))) + 1;
  const gone = new Set(shown.slice(0, reach).filter((row) => !pageById.has(id(row))).map(id));
  return { rows: inPlace(shown, page, id), reach, fresh, more: !whole && fresh === page.length && fresh > 0, gone };
}

/** The shown rows with what a page says of them. The same array, and the same objects in it, where nothing changed. */
export function inPlace<Row>(shown: Row[], page: Row[], id: (row: Row) => string): Row[] {
  const pageById = new Map(page.map((row) => [id(row), row]));
  let changed = false;
  const rows = shown.map((row) => {
    const now = pageById.get(id(row));
    if (now === undefined || same(row, now)) return row;
    changed = true;
    return now;
  });
  return changed ? rows : shown;
}

/** Adds a further page; what came already is left out. */
export function append<Row>(shown: Row[], page: Row[], id: (row: Row) => string): Row[] {
  const ids = new Set(shown.map(id));
  return [...shown, ...page.filter((row) => !ids.has(id(row)))];
}

/** Whether two values of JSON are equal. */
export function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null || Array.isArray(a) !== Array.isArray(b)) return false;
  const left = Object.entries(a);
  return left.length === Object.keys(b).length && left.every(([name, value]) => same(value, (b as Record<string, unknown>)[name]));
}
