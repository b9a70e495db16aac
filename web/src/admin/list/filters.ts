/** What can be chosen: its value in the address, and its words. */
export interface Option {
  value: string;
  words: string;
}

/** One filter of a list. `name` is its name in the page's address and in the API's. */
export type Filter =
  /** One of some, or all. */
  | { kind: "choice"; name: string; label: string; options: Option[] }
  /** Any of some; several stand in the address with commas between. */
  | { kind: "several"; name: string; label: string; options: Option[] }
  /** One account, or all. */
  | { kind: "account"; name: "account" }
  /** A text that is typed; it is sought after a pause in typing, and once it is of the form `only`. */
  | { kind: "text"; name: string; label: string; placeholder?: string; only?: RegExp }
  /** Set by a link from elsewhere only; it can be taken away. `words` says what the value means. */
  | { kind: "given"; name: string; words: (value: string) => string }
  /** When: `last` (1h, 24h, 7d) or `from` and `to` (RFC 3339) in the address; `from` and `to` in the API's. */
  | { kind: "time" };

/** The lengths of time that can be chosen by one click, in milliseconds. */
export const LASTS = { "1h": 3_600_000, "24h": 86_400_000, "7d": 7 * 86_400_000 } as const;

export type Last = keyof typeof LASTS;

/** The values of filters, by their names in the address; "" where one is not set. */
export type Values = Record<string, string>;

/** The names that filters have in the address. */
export function namesOf(filters: Filter[]): string[] {
  return filters.flatMap((filter) => (filter.kind === "time" ? ["last", "from", "to"] : [filter.name]));
}

/** Reads the filters from an address. What makes no sense there is not set. */
export function readValues(filters: Filter[], query: URLSearchParams): Values {
  const values: Values = {};
  for (const name of namesOf(filters)) values[name] = query.getAll(name).join(",");
  if (values.last && !(values.last in LASTS)) values.last = "";
  for (const end of ["from", "to"]) if (values[end] && Number.isNaN(Date.parse(values[end]))) values[end] = "";
  if (values.last) values.from = values.to = "";
  return values;
}

/** How many filters are set. */
export function countSet(filters: Filter[], values: Values): number {
  return filters.filter((filter) => (filter.kind === "time" ? values.last || values.from || values.to : values[filter.name])).length;
}

/** What the API is asked for. `at` is the time now, in milliseconds: a "last hour" is counted from it. */
export function apiQuery(values: Values, at: number): Values {
  const { last = "", ...rest } = values;
  if (!(last in LASTS)) return rest;
  return { ...rest, from: new Date(at - LASTS[last as Last]).toISOString(), to: "" };
}

const two = (value: number, length = 2) => String(value).padStart(length, "0");

/** A moment as a field of date and time takes it, in UTC or the computer's zone. "" for none. */
export function toField(iso: string, utc: boolean): string {
  const moment = new Date(iso);
  if (iso === "" || Number.isNaN(moment.getTime())) return "";
  if (utc) return moment.toISOString().slice(0, 16);
  return `${two(moment.getFullYear(), 4)}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}T${two(moment.getHours())}:${two(moment.getMinutes())}`;
}

/** The moment that such a field says, as RFC 3339 in UTC. "" for none. */
export function fromField(text: string, utc: boolean): string {
  const moment = new Date(utc && text !== "" ? text + "Z" : text);
  return text === "" || Number.isNaN(moment.getTime()) ? "" : moment.toISOString().replace(".000Z", "Z");
}
