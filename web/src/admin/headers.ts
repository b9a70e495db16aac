import { t } from "./texts";

/** What the server shows in place of a header's value; sent back, it keeps the value that is stored. */
export const MASKED = "••••";

/** One row of the form: a header that is stored, or a new one. */
export interface HeaderRow {
  /** Tells rows apart while they are edited. */
  id: number;
  name: string;
  /** Empty in the row of a stored header: its value stays. */
  value: string;
  /** The name under which a value is stored; null for a new row. */
  stored: string | null;
}

let last = 0;

/** An empty row. */
export function newRow(): HeaderRow {
  return { id: ++last, name: "", value: "", stored: null };
}

/** The rows of what is stored. */
export function rowsOf(headers: Record<string, string>): HeaderRow[] {
  return Object.keys(headers)
    .sort()
    .map((name) => ({ id: ++last, name, value: "", stored: name }));
}

const key = (name: string) => name.trim().toLowerCase();

/** Whether a row keeps the value that is stored. */
export function keeps(row: HeaderRow): boolean {
  return row.stored !== null && key(row.stored) === key(row.name) && row.value === "";
}

/** Rows in which nothing was written count as not there. */
const written = (row: HeaderRow) => row.name.trim() !== "" || row.value !== "";

/** What is sent: all headers that there are to be. */
export function headersOf(rows: HeaderRow[]): Record<string, string> {
  return Object.fromEntries(rows.filter(written).map((row) => [row.name.trim(), keeps(row) ? MASKED : row.value]));
}

/** What is wrong, by the id of the row. */
export function wrongRows(rows: HeaderRow[]): Map<number, string> {
  const wrong = new Map<number, string>();
  const seen = new Set<string>();
  for (const row of rows.filter(written)) {
    const name = row.name.trim();
    if (name === "") wrong.set(row.id, t.endpoints.headerNameless);
    else if (seen.has(key(name))) wrong.set(row.id, t.endpoints.headerTwice(name));
    else if (row.value === "" && !keeps(row)) wrong.set(row.id, t.endpoints.headerEmpty(name));
    seen.add(key(name));
  }
  return wrong;
}

/** Whether the rows say something else than what is stored. */
export function changed(rows: HeaderRow[], stored: Record<string, string>): boolean {
  const there = rows.filter(written);
  return there.length !== Object.keys(stored).length || !there.every(keeps);
}
