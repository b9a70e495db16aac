import { language } from "../shared/language";
import { t } from "./texts";

/** Who changed what. */
export interface AuditEntry {
  id: number;
  at: string;
  actor: string;
  /** The client's; null where there is none. */
  address: string | null;
  action: string;
  account: number | null;
  /** What was changed; null if it is the account. */
  target: string | null;
  /** What it was changed to. Never a secret. */
  detail: unknown;
}

const TOKEN = "token ";

/** Who it was, in words. */
export function actorWords(actor: string): string {
  return actor.startsWith(TOKEN) ? t.audit.token(actor.slice(TOKEN.length)) : (t.audit.actors[actor] ?? actor);
}

/** What was done, in words; a name that the page does not know stays as it is. */
export function actionWords(action: string): string {
  return t.audit.actions[action] ?? action;
}

/** The kind of thing that was changed, and which one, where the entry names both. */
function targetOf(target: string): { kind: keyof typeof t.audit.targets; which: string } | null {
  const [kind = "", which] = target.split(" ", 2);
  return which !== undefined && Object.hasOwn(t.audit.targets, kind) ? { kind: kind as keyof typeof t.audit.targets, which } : null;
}

/** What was changed, in words; a name of its own, such as a token's, stays as it is. */
export function targetWords(target: string): string {
  const of = targetOf(target);
  return of ? t.audit.targets[of.kind](of.which) : target;
}

/** Where in the panel that is what was changed; null where it has no place. */
export function targetHref({ target, account }: AuditEntry): string | null {
  const of = target === null ? null : targetOf(target);
  if (of?.kind === "endpoint" && account !== null) return `/admin/accounts/${account}/endpoints/${of.which}/`;
  if (of?.kind === "delivery") return `/admin/deliveries/?open=${of.which}`;
  if (of?.kind === "version") return "/admin/packs/";
  return null;
}

/** What is known of a change, as names with values in words. What was left as it is (null) is not told. */
export function detailWords(detail: unknown): [name: string, value: string][] {
  if (typeof detail !== "object" || detail === null) return detail === null || detail === undefined ? [] : [[t.audit.detail, valueWords(detail)]];
  return Object.entries(detail)
    .filter(([name, value]) => value !== null && !(name === "endpoint" && value === 0))
    .map(([name, value]) => [t.audit.fields[name] ?? name, valueWords(value)]);
}

function valueWords(value: unknown): string {
  if (typeof value === "boolean") return value ? t.audit.yes : t.audit.no;
  if (typeof value === "number") return value.toLocaleString(language);
  if (Array.isArray(value)) return value.length === 0 ? t.audit.nothing : new Intl.ListFormat(language, { type: "unit" }).format(value.map(valueWords));
  if (typeof value === "string") return value === "" ? t.audit.nothing : value;
  return JSON.stringify(value);
}

/** The same in one line. */
export function detailLine(detail: unknown): string {
  return detailWords(detail)
    .map(([name, value]) => `${name}: ${value}`)
    .join(" · ");
}
