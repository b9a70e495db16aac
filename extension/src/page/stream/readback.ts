import type { Streams } from "../../pack/types";
import { bones } from "../text";
import { isObject } from "./delta";
import type { Json, JsonObject } from "./delta";
import { partsOf, Transcript } from "./transcript";

/** A chat as the page itself read it back: its messages in order, the newest last. */
export interface ReadBack {
  chatId: string | null;
  title: string | null;
  messages: JsonObject[];
  /** The site works on an answer in it. */
  running: boolean;
}

/** Understands both forms of the site's answer: a list of messages, and a tree of them. Null: it is neither. */
export function parseReadBack(body: string): ReadBack | null {
  let data: unknown;
  try {
    data = JSON.parse(body);
  } catch {
    return null;
  }
  if (!isObject(data)) return null;
  const id = [data.conversation_id, data.id].find((name): name is string => typeof name === "string") ?? null;
  const title = typeof data.title === "string" ? data.title : null;
  const messages = Array.isArray(data.messages) ? data.messages.filter(isObject) : isObject(data.mapping) ? walk(data.mapping, data.current_node) : null;
  if (!messages) return null;
  return { chatId: id, title, messages, running: data.async_status !== undefined && data.async_status !== null };
}

function walk(mapping: JsonObject, current: Json | undefined): JsonObject[] {
  const found: JsonObject[] = [];
  const seen = new Set<string>();
  let at = current;
  while (typeof at === "string" && !seen.has(at)) {
    seen.add(at);
    const node = Object.hasOwn(mapping, at) ? mapping[at] : undefined;
    if (!isObject(node)) break;
    if (isObject(node.message)) found.unshift(node.message);
    at = node.parent;
  }
  return found;
}

/** The answer to the last message of the person's with this text; null where the chat has no such message. */
export function answerTo(message: string, read: ReadBack, rules: Streams): Transcript | null {
  const wanted = bones(message);
  for (let i = read.messages.length - 1; i >= 0; i--) {
    const asked = read.messages[i];
    if (!asked || roleOf(asked) !== "user" || bones(partsOf(asked.content)) !== wanted) continue;
    const transcript = new Transcript(rules);
    transcript.chatId = read.chatId;
    transcript.title = read.title;
    for (const next of read.messages.slice(i + 1)) {
      if (roleOf(next) === "user") break;
      transcript.takeMessage(next);
    }
    if (!read.running) transcript.settle();
    return transcript;
  }
  return null;
}

function roleOf(message: JsonObject): Json | undefined {
  return isObject(message.author) ? message.author.role : undefined;
}
