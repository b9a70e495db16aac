// The events of one answer, in the order the site would send them. Each is the
// text of one server-sent event, with how long to wait before it.
import { randomUUID } from "node:crypto";

const event = (name, data) => (name ? `event: ${name}\n` : "") + `data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;

const CITE = /\{\{cite:([^|}]+)\|([^}]+)\}\}/g;

// marks puts citation marks in place of {{cite:URL|TITLE}} and lists what they refer to.
export function marks(text) {
  const references = [];
  const marked = text.replace(CITE, (_, url, title) => {
    const mark = `\ue200cite\ue202turn0search${references.length}\ue201`;
    references.push({ matched_text: mark, type: "grouped_webpages", alt: `([${title}](${url}))`, items: [{ title, url, attribution: title }] });
    return mark;
  });
  return { marked, references };
}

// truth is what a person would have the answer be, as Markdown: links for citations.
export const truth = (text) => text.replace(CITE, (_, url, title) => `([${title}](${url}))`);

// pieces cuts a text into parts of n code points.
function pieces(text, n) {
  const points = Array.from(text);
  const out = [];
  for (let i = 0; i < points.length; i += n) out.push(points.slice(i, i + n).join(""));
  return out;
}

function message(id, over) {
  return {
    id, author: { role: "assistant", name: null, metadata: {} }, create_time: Date.now() / 1000, update_time: null, content: { content_type: "text", parts: [""] },
    status: "in_progress", end_turn: null, weight: 1, metadata: { citations: [], content_references: [], message_type: "next", model_slug: "gpt-5-6" }, recipient: "all", channel: "final", ...over,
  };
}

// script lists [{wait, frame, text, whole}]: text is the visible answer after the frame.
export function script({ chatId, user, reply, model }) {
  const out = [];
  const add = (wait, name, data, more = {}) => out.push({ wait, frame: event(name, data), ...more });
  const meta = (type, more) => add(0, "", { type, ...more, conversation_id: chatId });
  const delta = reply.protocol !== "full";
  const ids = [];
  let c = 0;

  // begin opens a message; grow appends to it; finish ends it.
  const begin = (m, wait = reply.wait) => {
    ids.push(m.id);
    if (delta) add(wait, "delta", { p: "", o: "add", v: { message: m, conversation_id: chatId, error: null }, c: c++ });
    else add(wait, "", { message: m, conversation_id: chatId, error: null });
  };
  const say = (m, part, first, wait, more) => {
    m.content.parts[0] += part;
    if (!delta) add(wait, "", { message: structuredClone(m), conversation_id: chatId, error: null }, more);
    else if (first) add(wait, "delta", { p: "/message/content/parts/0", o: "append", v: part }, more);
    else add(wait, "delta", { v: part }, more);
  };
  const finish = (m, how, endTurn, more) => {
    Object.assign(m, { status: how === "length" ? "finished_partial_completion" : "finished_successfully", end_turn: endTurn });
    m.metadata = { ...m.metadata, finish_details: { type: how === "length" ? "max_tokens" : "stop" }, is_complete: true };
    if (delta) {
      add(0, "delta", {
        p: "", o: "patch", v: [
          { p: "/message/status", o: "replace", v: m.status }, { p: "/message/end_turn", o: "replace", v: endTurn },
          { p: "/message/metadata", o: "append", v: { finish_details: m.metadata.finish_details, is_complete: true, content_references: m.metadata.content_references } },
        ],
      }, more);
    } else add(0, "", { message: structuredClone(m), conversation_id: chatId, error: null }, more);
  };

  if (delta) add(0, "delta_encoding", '"v1"');
  add(0, "", { type: "resume_conversation_token", kind: "topic", token: randomUUID(), conversation_id: chatId });
  begin(message(randomUUID(), { author: { role: "system" }, channel: null, status: "finished_successfully", end_turn: true, metadata: { is_visually_hidden_from_conversation: true } }), 0);
  add(0, "", { type: "input_message", input_message: user, conversation_id: chatId });
  meta("server_ste_metadata", { metadata: { model_slug: model, plan_type: "plus" } });

  const handed = out.length; // what comes from here goes over the WebSocket after a hand-over

  if (reply.thinking) {
    const m = message(randomUUID(), { content: { content_type: "thoughts", thoughts: [{ summary: "", content: "", finished: false }] }, channel: null });
    begin(m);
    if (delta) {
      add(reply.every, "delta", { p: "/message/content/thoughts/0/summary", o: "append", v: "Weighing it" });
      for (const part of pieces(reply.thinking, reply.piece)) add(reply.every, "delta", { p: "/message/content/thoughts/0/content", o: "append", v: part });
      add(0, "delta", { p: "", o: "patch", v: [{ p: "/message/content/thoughts/0/finished", o: "replace", v: true }, { p: "/message/status", o: "replace", v: "finished_successfully" }] });
    } else {
      m.content.thoughts[0] = { summary: "Weighing it", content: reply.thinking, finished: true };
      m.status = "finished_successfully";
      add(reply.every, "", { message: structuredClone(m), conversation_id: chatId, error: null });
    }
    begin(message(randomUUID(), { content: { content_type: "reasoning_recap", content: "Thought for 4s" }, status: "finished_successfully", channel: null, end_turn: false }), 0);
  }
  if (reply.commentary) {
    const m = message(randomUUID(), { channel: "commentary" });
    begin(m);
    pieces(reply.commentary, reply.piece).forEach((part, i) => say(m, part, i === 0, reply.every));
    finish(m, "stop", false);
  }
  if (reply.tool) {
    begin(message(randomUUID(), { recipient: "python", channel: "analysis", content: { content_type: "code", language: "python", text: reply.tool }, status: "finished_successfully", end_turn: false }));
    begin(message(randomUUID(), { author: { role: "tool", name: "python" }, channel: "analysis", content: { content_type: "execution_output", text: "output of the tool" }, status: "finished_successfully", end_turn: null }), 0);
  }
  if (reply.afterTitle) meta("title_generation", { title: reply.title });

  const m = message(randomUUID(), {});
  const { marked, references } = marks(reply.text);
  if (reply.image) m.content = { content_type: "multimodal_text", parts: [{ content_type: "image_asset_pointer", asset_pointer: "sediment://file_00000000abcd", width: 64, height: 64 }] };
  begin(m);
  add(0, "", { type: "message_marker", conversation_id: chatId, message_id: m.id, marker: "user_visible_token", event: "first" });
  let text = "";
  const all = reply.image ? [] : pieces(marked, reply.piece);
  const cut = reply.end === "whole" ? all.length : Math.max(1, Math.floor(all.length * reply.endAt));
  all.slice(0, cut).forEach((part, i) => {
    text += part;
    say(m, part, i === 0, reply.every, { text });
  });
  m.metadata.content_references = references;
  const answer = { id: m.id, text, references, image: reply.image };
  if (reply.end === "whole" || reply.end === "max_tokens") {
    finish(m, reply.end === "whole" ? "stop" : "length", reply.end === "whole", { answer, whole: reply.end === "whole" });
    if (!reply.afterTitle && reply.title) meta("title_generation", { title: reply.title });
    meta("message_stream_complete", {});
    add(0, "", "[DONE]");
  } else if (reply.end === "silent") out.push({ wait: 0, frame: "", silent: true, answer });
  else out.push({ wait: 0, frame: "", breaks: true, answer });

  if (reply.end === "dropped") {
    // The connection breaks here, and the run goes on.
    const rest = all.slice(cut);
    rest.forEach((part) => {
      text += part;
      say(m, part, false, reply.every, { text });
    });
    answer.text = text;
    finish(m, "stop", true, { answer, whole: true });
    meta("message_stream_complete", {});
    add(0, "", "[DONE]");
  }
  return { steps: out, handed, answerId: m.id };
}
