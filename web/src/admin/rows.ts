import type { AdminRequest } from "./types";

/**
 * Puts a fresh first page over the rows that are shown. Within its span the fresh page is right (a row that is missing there no longer
 * matches); what is older than its last row was brought by "Load more" and stays. `whole`: there is nothing beyond the fresh page.
 */
export function merge(shown: AdminRequest[], fresh: AdminRequest[], whole: boolean): AdminRequest[] {
  const last = fresh.at(-1);
  if (whole || !last) return fresh;
  const ids = new Set(fresh.map(({ id }) => id));
  const oldest = Date.parse(last.queued_at);
  return [...fresh, ...shown.filter((row) => !ids.has(row.id) && Date.parse(row.queued_at) <= oldest)];
}
