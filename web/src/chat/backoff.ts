/** Pauses before connecting again, in milliseconds; the last one repeats. */
const PAUSES = [1_000, 2_000, 4_000, 8_000, 16_000, 30_000];

/** Each pause is stretched by up to this part of it, so that many pages do not come at once. */
const JITTER = 0.2;

/** A connection that lived this long was a good one: the pauses start over. Milliseconds. */
const LIVED = 10_000;

/** How long to wait before connecting again. */
export class Backoff {
  /** How many connections in a row came to nothing. */
  failures = 0;
  private openedAt = 0;

  /** The connection stands. */
  opened(at = Date.now()): void {
    this.openedAt = at;
  }

  /** The connection broke, or never stood. Returns the pause before the next one, in milliseconds. */
  broken(at = Date.now(), random = Math.random()): number {
    if (this.openedAt > 0 && at - this.openedAt > LIVED) this.failures = 0;
    this.openedAt = 0;
    const pause = PAUSES[Math.min(this.failures, PAUSES.length - 1)]!;
    this.failures++;
    return pause * (1 + random * JITTER);
  }
}
