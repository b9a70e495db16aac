import { countPoints, isHigh } from "./text";

/** The bridge takes at most 20 pieces of text a second of one attempt. */
const GAP_MS = 52;

/** Tells a text that grows, and is sometimes corrected, as pieces at offsets that count code points. */
export class TextSender {
  private sent = "";
  private points = 0;
  private wanted = "";
  private last = -Infinity;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly post: (offset: number, text: string) => void,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** The whole text as it is now. */
  update(text: string): void {
    // A pair that has come by half waits for the other one.
    this.wanted = text !== "" && isHigh(text.charCodeAt(text.length - 1)) ? text.slice(0, -1) : text;
    if (this.wanted === this.sent) return;
    const due = this.last + GAP_MS - this.now();
    // In a hidden tab the timer may come a minute late; the text's own growth does not wait for it.
    if (due <= 0) this.flush();
    else this.timer ??= setTimeout(() => this.flush(), due);
  }

  /** The next piece starts at offset 0: the one who listens knows nothing yet. */
  restart(): void {
    this.sent = "";
    this.points = 0;
    if (this.wanted !== "") this.update(this.wanted);
  }

  /** Sends no more. */
  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private flush(): void {
    this.stop();
    const { sent, wanted } = this;
    if (wanted === sent) return;
    this.last = this.now();
    if (wanted.startsWith(sent)) {
      this.post(this.points, wanted.slice(sent.length));
      this.points += countPoints(wanted, sent.length);
    } else {
      let same = 0;
      while (same < sent.length && same < wanted.length && sent.charCodeAt(same) === wanted.charCodeAt(same)) same++;
      if (same > 0 && isHigh(wanted.charCodeAt(same - 1))) same--;
      const offset = countPoints(wanted, 0, same);
      this.post(offset, wanted.slice(same));
      this.points = offset + countPoints(wanted, same);
    }
    this.sent = wanted;
  }
}
