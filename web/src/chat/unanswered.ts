/** A send without an answer so far. */
export interface Send {
  /** Its Idempotency-Key. */
  token: string;
  /** Its body, to tell whether a later send is the same. */
  body: string;
}

/** How many are kept; a body may be a megabyte, and a browser stores about five. */
const KEPT = 4;

/** The token for a body: that of the same send without an answer, else a fresh one. Also the sends to keep from now on. */
export function tokenFor(sends: Send[], body: string, fresh: () => string): [token: string, sends: Send[]] {
  const same = sends.find((send) => send.body === body);
  if (same) return [same.token, sends];
  const token = fresh();
  return [token, [...sends, { token, body }].slice(-KEPT)];
}

/** The sends without one that was answered. */
export function forget(sends: Send[], token: string): Send[] {
  return sends.filter((send) => send.token !== token);
}
