// The page's own reading of its stream: server-sent events, delta encoding v1,
// whole messages, and a hand-over to a WebSocket.

// Events splits a text that comes in pieces into events.
export class Events {
  #rest = "";
  push(piece) {
    this.#rest += piece;
    const blocks = this.#rest.split("\n\n");
    this.#rest = blocks.pop();
    return blocks.map((block) => {
      const event = { name: "", data: "" };
      for (const line of block.split("\n")) {
        if (line.startsWith("event: ")) event.name = line.slice(7);
        else if (line.startsWith("data: ")) event.data += line.slice(6);
      }
      return event;
    });
  }
}

// Turn is one answer as the events make it.
export class Turn {
  constructor() {
    this.value = null; // what deltas change
    this.last = { p: "", o: "add" };
    this.messages = new Map(); // id → message, in order of their coming
    this.complete = false;
    this.chatId = null;
    this.title = null;
    this.handoff = null;
  }

  take({ name, data }) {
    if (data === "[DONE]") return;
    const d = JSON.parse(data);
    if (name === "delta_encoding") return;
    if (name === "delta") return this.#delta(d);
    if (d.message) {
      this.messages.set(d.message.id, d.message);
      this.chatId = d.conversation_id;
      return;
    }
    if (d.conversation_id) this.chatId = d.conversation_id;
    if (d.type === "title_generation") this.title = d.title;
    if (d.type === "message_stream_complete") this.complete = true;
    if (d.type === "stream_handoff") this.handoff = d.options.find((o) => o.type === "subscribe_ws_topic");
  }

  #delta(d) {
    const step = { p: d.p ?? this.last.p, o: d.o ?? this.last.o, v: d.v };
    this.last = step;
    this.#apply(step);
    const m = this.value?.message;
    if (m) this.messages.set(m.id, m);
    if (this.value?.conversation_id) this.chatId = this.value.conversation_id;
  }

  #apply({ p, o, v }) {
    if (o === "patch") return v.forEach((s) => this.#apply({ p: p + s.p, o: s.o, v: s.v }));
    const path = p.split("/").slice(1);
    if (path.length === 0) {
      this.value = v;
      return;
    }
    const key = path.pop();
    const at = path.reduce((x, k) => x[k], this.value);
    if (o === "append") {
      if (typeof v === "string") at[key] = (at[key] ?? "") + v;
      else if (Array.isArray(v)) at[key] = [...(at[key] ?? []), ...v];
      else at[key] = { ...at[key], ...v };
    } else if (o === "remove") delete at[key];
    else at[key] = v;
  }
}

// unseal opens a line of the sealed form.
export const unseal = (line) => new TextDecoder().decode(Uint8Array.from(atob(line), (c) => c.charCodeAt(0)));

// readStream reads a response to its end. Sealed: lines of base64 instead of plain events.
export async function readStream(response, turn, changed, sealed) {
  const events = new Events();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = sealed ? (rest + value).split("\n") : [value];
    if (sealed) rest = lines.pop();
    for (const line of lines) for (const e of events.push(sealed ? unseal(line) : line)) if (e.data) turn.take(e);
    changed();
  }
}

// readTopic reads the rest of an answer from a WebSocket.
export function readTopic(url, topic, turn, changed, signal) {
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(url);
    const events = new Events();
    signal.addEventListener("abort", () => ws.close());
    const take = (m) => {
      if (m.type !== "message" || m.topic_id !== topic) return;
      const p = m.payload.payload;
      if (p.type === "done") {
        ws.close();
        resolve();
      } else for (const e of events.push(p.encoded_item)) if (e.data) turn.take(e);
      changed();
    };
    ws.onopen = () =>
      ws.send(JSON.stringify([{ id: 1, command: { type: "connect", presence: { type: "presence", state: "foreground" } } }, { id: 2, command: { type: "subscribe", topic_id: topic, offset: "0" } }]));
    ws.onmessage = ({ data }) => {
      const m = JSON.parse(data);
      if (m.type === "reply") for (const c of m.reply.catchups ?? []) take(c);
      else take(m);
    };
    ws.onclose = () => reject(new Error("the socket closed"));
  });
}
