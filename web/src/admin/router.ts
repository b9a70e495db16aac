import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ask } from "../shared/dialog";
import { t } from "./texts";

/** Where we are: path and query, as in the address bar. */
export const place = signal(location.pathname + location.search);

/** Says whether something on the page was written and not saved. */
let unsaved: () => boolean = () => false;

/** Asks before the page is left while `dirty`. */
export function useUnsaved(dirty: boolean): void {
  useEffect(() => {
    if (!dirty) return;
    const guard = (event: BeforeUnloadEvent) => event.preventDefault();
    unsaved = () => true;
    addEventListener("beforeunload", guard);
    return () => {
      unsaved = () => false;
      removeEventListener("beforeunload", guard);
    };
  }, [dirty]);
}

const leave = async () => !unsaved() || (await ask(t.frame.unsaved, t.frame.leave));

interface Going {
  /** Nothing is lost, so nothing is asked. */
  saved?: boolean;
  replace?: boolean;
  /** This entry of the history is an open row of the one before it. */
  row?: boolean;
}

/** Goes to another view, or to the same one with another query. */
export async function go(to: string, { saved = false, replace = false, row = false }: Going = {}): Promise<void> {
  if (to === place.peek()) return;
  if (!saved && path(to) !== path(place.peek()) && !(await leave())) return;
  history[replace ? "replaceState" : "pushState"](row ? { row } : null, "", to);
  arrive();
}

/** Opens a row: Back closes it, whichever rows were looked at meanwhile. */
export function openRow(to: string): void {
  const replace = isRow();
  void go(to, { row: true, replace });
}

/** Closes the open row; `to` is the list without it. */
export function closeRow(to: string): void {
  if (isRow()) history.back();
  else void go(to, { replace: true });
}

/** Whether this entry of the history was made by opening a row. */
export const isRow = (): boolean => (history.state as { row?: boolean } | null)?.row === true;

function arrive(): void {
  const moved = path(place.peek()) !== location.pathname;
  place.value = location.pathname + location.search;
  if (!moved) return;
  scrollTo(0, 0);
  focusHeading();
}

/** How long a view may load before its heading is no longer waited for, in milliseconds. */
const HEADING_WITHIN = 3_000;

let waiting: (() => void) | undefined;

/** A new view is read from its heading, as soon as it has one; not once the person has gone elsewhere. */
function focusHeading(): void {
  waiting?.();
  const from = document.activeElement;
  const there = () => {
    const now = document.activeElement;
    if (now !== from && now !== document.body && now !== null) return waiting?.();
    const heading = document.querySelector<HTMLElement>("main h1");
    if (!heading) return;
    waiting?.();
    heading.focus({ preventScroll: true });
  };
  const observer = new MutationObserver(there);
  const timer = setTimeout(() => waiting?.(), HEADING_WITHIN);
  const frame = requestAnimationFrame(() => {
    // The view before has left by now.
    observer.observe(document.body, { childList: true, subtree: true });
    there();
  });
  waiting = () => {
    observer.disconnect();
    clearTimeout(timer);
    cancelAnimationFrame(frame);
    waiting = undefined;
  };
}

const path = (to: string) => to.split("?", 1)[0] ?? "";

/** Makes the links of the panel change the view in place, and Back too. */
export function startRouter(): void {
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>('a[href^="/admin/"]') : null;
    // With a modifier, or another button, the browser does what it does with any link.
    if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button !== 0) return;
    if (link.download || link.target) return;
    event.preventDefault();
    void go(link.pathname + link.search);
  });
  addEventListener("popstate", async () => {
    const from = place.peek();
    const to = location.pathname + location.search;
    if (path(from) !== path(to) && unsaved()) {
      history.pushState(null, "", from);
      if (!(await leave())) return;
      history.replaceState(null, "", to);
    }
    arrive();
  });
}

/** An address with a query; empty values are left out. */
export function withQuery(base: string, values: Record<string, string>): string {
  const query = new URLSearchParams(Object.entries(values).filter(([, value]) => value !== ""));
  return query.size > 0 ? `${base}?${query}` : base;
}
