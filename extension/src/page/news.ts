import { countPoints, isHigh } from "./text";

/** Tells a text that grows, and is sometimes corrected, as pieces at offsets that count code points. */
export class TextSender {
  private sent = "";
  private points = 0;

  constructor(private readonly post: (offset: number, text: string) => void) {}

  /** Nothing of it has been told. */
  get silent(): boolean {
    return this.sent === "";
  }

  /** The whole text as it is now. */
  update(text: string): void {
    const { sent } = this;
    // A pair that has come by half waits for the other one.
    const wanted = text !== "" && isHigh(text.charCodeAt(text.length - 1)) ? text.slice(0, -1) : text;
    if (wanted === sent) return;
    this.sent = wanted;
    if (wanted.startsWith(sent)) {
      this.post(this.points, wanted.slice(sent.length));
      this.points += countPoints(wanted, sent.length);
      return;
    }
    let same = 0;
    while (same < sent.length && same < wanted.length && sent.charCodeAt(same) === wanted.charCodeAt(same)) same++;
    if (same > 0 && isHigh(wanted.charCodeAt(same - 1))) same--;
    const offset = countPoints(wanted, 0, same);
    this.post(offset, wanted.slice(same));
    this.points = offset + countPoints(wanted, same);
  }

  /** Tells the whole text from offset 0: the one who listens knows nothing yet. */
  restart(): void {
    const text = this.sent;
    this.sent = "";
    this.points = 0;
    this.update(text);
  }
}
