/** One server-sent event. */
export interface Frame {
  /** Its `event:` field; "" where there is none. */
  name: string;
  data: string;
}

/** More than any one event of an answer; what is longer is dropped, so that nothing grows without end. */
const MAX_FRAME = 16_777_216;

/** Splits a text/event-stream that comes in pieces, cut anywhere, into its events (WHATWG HTML, section 9.2.6). */
export class FrameReader {
  private rest = "";
  private name = "";
  private data: string[] = [];
  /** The last piece ended with a CR; an LF that follows belongs to it. */
  private carriage = false;
  private first = true;

  push(piece: string): Frame[] {
    if (piece === "") return [];
    if (this.first) {
      this.first = false;
      if (piece.startsWith("\ufeff")) piece = piece.slice(1);
    }
    if (this.carriage && piece.startsWith("\n")) piece = piece.slice(1);
    this.carriage = piece.endsWith("\r");
    // What was there before holds no line end: only the new piece is searched.
    const lines = piece.split(/\r\n|\n|\r/);
    lines[0] = this.rest + (lines[0] ?? "");
    this.rest = lines.pop() ?? "";
    if (this.rest.length > MAX_FRAME) this.rest = "";
    const frames: Frame[] = [];
    for (const line of lines) {
      const frame = this.line(line);
      if (frame) frames.push(frame);
    }
    return frames;
  }

  private line(line: string): Frame | null {
    if (line === "") {
      const frame = this.data.length > 0 ? { name: this.name, data: this.data.join("\n") } : null;
      this.name = "";
      this.data = [];
      return frame;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (field === "event") this.name = value;
    else if (field === "data") this.data.push(value);
    return null;
  }
}
