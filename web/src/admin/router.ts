import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ask } from "../shared/dialog";

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

const leave = async () => !unsaved() || (await ask("What you changed here is not saved.", "Leave without saving"));

/** Goes to another view. `saved`: nothing is lost, so nothing is asked. */
export async function go(to: string, { saved = false, replace = false } = {}): Promise<void> {
  if (to === place.peek()) return;
  if (!saved && path(to) !== path(place.peek()) && !(await leave())) return;
  history[replace ? "replaceState" : "pushState"](null, "", to);
  arrive();
}

function arrive(): void {
  const moved = path(place.peek()) !== location.pathname;
  place.value = location.pathname + location.search;
  if (!moved) return;
  scrollTo(0, 0);
  // A new view is read from its heading.
  requestAnimationFrame(() => document.querySelector<HTMLElement>("main h1")?.focus({ preventScroll: true }));
}

const path = (to: string) => to.split("?", 1)[0] ?? "";

/** Makes the links of the panel change the view in place, and Back too. */
export function startRouter(): void {
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>('a[href^="/admin/"]') : null;
    // With a modifier, or another button, the browser does what it does with any link.
    if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button !== 0) return;
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

/** The address of the requests with other filters; empty ones are left out. */
export function withQuery(base: string, values: Record<string, string>): string {
  const query = new URLSearchParams(Object.entries(values).filter(([, value]) => value !== ""));
  return query.size > 0 ? `${base}?${query}` : base;
}
