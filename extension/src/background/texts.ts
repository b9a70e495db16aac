// The live texts of the answers that are being read, and their way to the bridge as deltas.

import type { Ref } from "../messages";
import { LiveText, countPoints, sameUnits } from "./live-text";
import { DELTA_EVERY_MS, type ToBridge } from "./wire";

/** The most text of one delta, in UTF-16 units: with all of it escaped still far within a message. */
const MAX_DELTA = 1 << 18;

interface Live {
  of: Ref;
  text: LiveText;
  /** Code points that the bridge has on this connection. */
  sent: number;
  /** When the last delta left. */
  sentAt: number;
  timer: ReturnType<typeof setTimeout> | null;
}

export class Texts {
  private readonly live = new Map<string, Live>();

  /** send returns false while there is no connection that wants them. */
  constructor(
    private readonly send: (m: ToBridge) => boolean,
    private readonly clock: () => number = () => performance.now(),
  ) {}

  /** What has been read so far. */
  seen(key: string): string {
    return this.live.get(key)?.text.toString() ?? "";
  }

  change(key: string, of: Ref, offset: number, text: string): void {
    let live = this.live.get(key);
    if (!live) this.live.set(key, (live = { of, text: new LiveText(), sent: 0, sentAt: -DELTA_EVERY_MS, timer: null }));
    const changed = live.text.replace(offset, text);
    if (changed < 0) return; // the page begins again at 0 after each watch
    live.sent = Math.min(live.sent, changed);
    this.flush(live);
  }

  /** The bridge wants it from the start: a new connection, or a resync. */
  again(key: string): void {
    const live = this.live.get(key);
    if (!live) return;
    live.sent = 0;
    this.flush(live);
  }

  /** answer: what it became. Of what was told of it only a beginning stays, such as where a citation became a link at the end. */
  forget(key: string, answer?: string): void {
    const live = this.live.get(key);
    if (!live) return;
    if (live.timer) clearTimeout(live.timer);
    this.live.delete(key);
    if (answer === undefined) return;
    const all = live.text.toString();
    const told = all.length - live.text.from(live.sent, all.length).length;
    const same = sameUnits(all, answer);
    if (same < told) this.send({ type: "delta", ...live.of, offset: countPoints(all.slice(0, same)), text: "" });
  }

  private flush(live: Live): void {
    if (live.timer !== null || live.sent >= live.text.length) return;
    const wait = live.sentAt + DELTA_EVERY_MS - this.clock();
    if (wait > 0) {
      live.timer = setTimeout(() => {
        live.timer = null;
        this.flush(live);
      }, wait);
      return;
    }
    const offset = live.sent;
    const from = new LiveText();
    from.replace(0, live.text.from(offset, MAX_DELTA));
    if (!this.send({ type: "delta", ...live.of, offset, text: from.toString() })) return; // again() comes with the next connection
    live.sent = offset + from.length;
    live.sentAt = this.clock();
    this.flush(live); // sets the timer where there is more
  }
}
