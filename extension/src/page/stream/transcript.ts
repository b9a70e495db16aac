import type { Streams } from "../../pack/types";
import { resolveCitations, withoutCitations } from "./citations";
import { DeltaDecoder, isDelta, isObject } from "./delta";
import type { Json, JsonObject } from "./delta";
import { FrameReader } from "./sse";
import type { Frame } from "./sse";

/** How an answer stands, by what its stream said. */
export type StreamState = "waiting" | "running" | "whole" | "cut" | "stopped" | "broken";

/** What an answer that is only a picture says in its place. */
export const IMAGE_NOTE = "[image]";

interface Message {
  id: string;
  /** As the decoder holds it, and goes on changing it: joined only when somebody reads it. */
  content: Json | undefined;
  references: Json | undefined;
  status: string;
  endTurn: boolean | null;
  finish: string;
}

/** What one stream of events says: which chat, which answer, and whether it is whole. */
export class Transcript {
  chatId: string | null = null;
  title: string | null = null;
  /** The text of the message that was sent, where the stream repeats it. */
  input: string | null = null;
  /** Topics of a socket on which it goes on. */
  readonly topics: string[] = [];
  /** An event made no sense: the text may not be the site's. */
  unsure = false;
  /** Counts changes, so that a reader sees whether there is news. */
  version = 0;
  private readonly frames = new FrameReader();
  private readonly deltas = new DeltaDecoder();
  private message: Message | null = null;
  private images = 0;
  private complete = false;
  private closed: "end" | "error" | null = null;
  private handedOver = false;

  constructor(private readonly rules: Streams) {}

  push(piece: string): void {
    for (const frame of this.frames.push(piece)) this.take(frame);
  }

  /** The stream is over; "error": it broke. After a hand-over the socket's end is what counts. */
  close(how: "end" | "error", socket = false): void {
    if (this.handedOver && !socket) return;
    this.closed ??= how;
    this.version++;
  }

  /** The site works on it no more: a finished message is the whole answer, whatever else is not said. */
  settle(): void {
    if (this.message && this.rules.statuses.finished.includes(this.message.status)) this.complete = true;
  }

  /** A whole message, such as a chat that is read back has. */
  takeMessage(message: Json): void {
    if (isObject(message)) this.adopt(message);
  }

  /** The answer as Markdown; what has come so far of it. */
  get text(): string {
    const running = this.state === "running";
    const text = this.message ? resolveCitations(partsOf(this.message.content), this.message.references, running) : "";
    return text === "" && !running ? Array(this.images).fill(IMAGE_NOTE).join("\n\n") : text;
  }

  /** The same without citations, for comparing. */
  get bare(): string {
    return this.message ? withoutCitations(partsOf(this.message.content)) : "";
  }

  get hasImages(): boolean {
    return this.images > 0;
  }

  get state(): StreamState {
    const { message } = this;
    const { statuses, finish } = this.rules;
    if (message && finish.cut.includes(message.finish)) return this.over ? "cut" : "running";
    if (message && finish.stopped.includes(message.finish)) return this.over ? "stopped" : "running";
    if (message && statuses.finished.includes(message.status) && message.endTurn === true) return "whole";
    if (this.complete) {
      if (!message) return this.images > 0 ? "whole" : "broken";
      if (statuses.finished.includes(message.status) && message.endTurn !== false) return "whole";
      // The stream is complete, and the message is not.
      return statuses.running.includes(message.status) ? "broken" : "cut";
    }
    // Another word for an end that is none.
    if (message && message.status !== "" && !statuses.running.includes(message.status) && !statuses.finished.includes(message.status)) return "cut";
    if (this.closed) return "broken";
    return message || this.images > 0 ? "running" : "waiting";
  }

  /** Nothing more comes. */
  get over(): boolean {
    return this.complete || this.closed !== null || (this.message !== null && !this.rules.statuses.running.includes(this.message.status));
  }

  private take({ name, data }: Frame): void {
    const { events } = this.rules;
    if (events.encoding.includes(name)) return;
    if (data === "[DONE]") return;
    let value: unknown;
    try {
      value = JSON.parse(data);
    } catch {
      this.unsure = true;
      return;
    }
    this.version++;
    if (isDelta(value)) {
      if (!this.deltas.apply(value)) this.unsure = true;
      const root = this.deltas.value;
      if (!isObject(root)) return;
      this.chat(root.conversation_id);
      if (isObject(root.message)) this.adopt(root.message);
      return;
    }
    if (!isObject(value)) return;
    this.chat(value.conversation_id);
    if (isObject(value.message)) return this.adopt(value.message);
    if (typeof value.type === "string") this.notice(value.type, value);
  }

  private notice(type: string, value: JsonObject): void {
    const { events, socket } = this.rules;
    if (events.complete.includes(type)) this.complete = true;
    else if (events.title.includes(type) && typeof value.title === "string") this.title = value.title;
    else if (events.input.includes(type) && isObject(value.input_message)) this.input = partsOf(value.input_message.content);
    else if (events.handoff.includes(type) && Array.isArray(value.options)) {
      this.handedOver = true;
      for (const option of value.options) {
        if (isObject(option) && socket.options.includes(String(option.type)) && typeof option.topic_id === "string") this.topics.push(option.topic_id);
      }
    }
  }

  private chat(id: Json | undefined): void {
    if (typeof id === "string" && id !== "") this.chatId = id;
  }

  /** Takes a message as the answer if it is one: said by the assistant to all, in words, in the channel for answers. */
  private adopt(message: JsonObject): void {
    const { id, author, recipient, channel, content, status, end_turn, metadata } = message;
    const role = isObject(author) ? author.role : undefined;
    const type = isObject(content) ? content.content_type : undefined;
    if (typeof id !== "string" || typeof type !== "string" || !this.rules.content_types.includes(type)) return;
    const images = imagesIn(content);
    // A drawing comes from a tool.
    if (images > 0 && (role === "assistant" || role === "tool")) this.images = Math.max(this.images, images);
    if (role !== "assistant" || (recipient !== undefined && recipient !== null && recipient !== "all")) return;
    if (typeof channel === "string" && !this.rules.channels.includes(channel)) return;
    const details = isObject(metadata) && isObject(metadata.finish_details) ? metadata.finish_details.type : undefined;
    this.message = {
      id,
      content,
      references: isObject(metadata) ? metadata.content_references : undefined,
      status: typeof status === "string" ? status : "",
      endTurn: typeof end_turn === "boolean" ? end_turn : null,
      finish: typeof details === "string" ? details : "",
    };
  }
}

/** The words of a message's content. */
export function partsOf(content: Json | undefined): string {
  if (!isObject(content)) return "";
  if (Array.isArray(content.parts)) return content.parts.map((part) => (typeof part === "string" ? part : isObject(part) && typeof part.text === "string" && !part.asset_pointer ? part.text : "")).join("");
  return typeof content.text === "string" ? content.text : "";
}

function imagesIn(content: Json | undefined): number {
  return isObject(content) && Array.isArray(content.parts) ? content.parts.filter((part) => isObject(part) && typeof part.asset_pointer === "string").length : 0;
}
