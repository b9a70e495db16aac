// How long to wait before the next connection: it doubles with each failure in a row, and half of it is random, so that a
// server that comes back is not met by everyone at once.

export const MIN_WAIT_MS = 500;
export const MAX_WAIT_MS = 30_000;

/** failures: connections in a row that did not last, from 0. random: in [0, 1). */
export function backoff(failures: number, random: number, most = MAX_WAIT_MS): number {
  const wait = Math.min(most, MIN_WAIT_MS * 2 ** Math.min(failures, 16));
  return wait / 2 + random * (wait / 2);
}
