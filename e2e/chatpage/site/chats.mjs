// The chats of the site, what it was asked, and the true answers.
import { randomUUID } from "node:crypto";
import { script, truth } from "./frames.mjs";

export class Chats {
  constructor(settings) {
    this.settings = settings; // what {page, reply, replies} are now
    this.chats = new Map(); // id → {id, title, turns: [{id, role, text, references, messages}], run}
    this.prompts = []; // {at, chatId, text, truth, body, run}, every one that arrived
  }

  // grow puts older turns before what each chat has.
  grow(turns) {
    for (const chat of this.chats.values()) {
      const older = Array.from({ length: turns }, (_, i) => ({ id: randomUUID(), role: i % 2 ? "assistant" : "user", text: i % 2 ? `Answer ${i} of **long ago**.` : `Question ${i} of long ago.`, references: [], whole: true }));
      chat.turns.unshift(...older);
    }
  }

  // reply is how a prompt will be answered: the first rule whose text it contains.
  reply(text) {
    const rule = this.settings.replies.find((r) => text.includes(r.match));
    const reply = { ...this.settings.reply, ...rule };
    if (!reply.text) reply.text = `You said ${Array.from(text).length} characters. **Here** is the answer: ${"words and more words ".repeat(12)}end.`;
    return reply;
  }

  // ask takes a prompt and starts its answer; refused: how the site says no.
  ask(body) {
    const sent = body.messages[0];
    const text = sent.content.parts.join("");
    const reply = this.reply(text);
    const prompt = { at: Date.now(), id: sent.id, chatId: body.conversation_id ?? null, text, truth: null, refused: false, model: body.model, effort: body.thinking_effort ?? null, temporary: !!body.history_and_training_disabled };
    this.prompts.push(prompt);
    if (reply.status) {
      prompt.refused = true;
      return { prompt, refused: reply };
    }
    let chat = this.chats.get(body.conversation_id);
    if (!chat && body.conversation_id) {
      prompt.refused = true;
      return { prompt, refused: { status: 404, body: { detail: { message: `Conversation ${body.conversation_id} not found`, code: "conversation_not_found" } } } };
    }
    if (!chat) {
      chat = { id: randomUUID(), title: null, turns: [], run: null, temporary: prompt.temporary };
      this.chats.set(chat.id, chat);
    }
    prompt.chatId = chat.id;
    prompt.truth = truth(reply.text);
    const user = { id: sent.id, author: { role: "user" }, content: { content_type: "text", parts: [text] }, status: "finished_successfully", metadata: {}, recipient: "all", create_time: Date.now() / 1000 };
    chat.turns.push({ id: sent.id, role: "user", text, references: [], whole: true });
    const turn = { id: randomUUID(), role: "assistant", text: "", references: [], whole: false, thinking: reply.thinking, commentary: reply.commentary };
    chat.turns.push(turn);
    const run = new Run(script({ chatId: chat.id, user, reply, model: body.model }), reply);
    chat.run = prompt.run = run;
    run.onStep = (step) => {
      if (step.text !== undefined) turn.text = step.text;
      if (step.answer) Object.assign(turn, { id: step.answer.id, text: step.answer.text, references: step.answer.references, image: step.answer.image });
      if (step.whole) turn.whole = true;
    };
    run.onEnd = () => {
      chat.title ??= chat.temporary ? null : reply.title || null;
      if (chat.run === run) chat.run = null;
    };
    run.begin();
    return { prompt, chat, run, reply, turn };
  }

  stop(chatId) {
    this.chats.get(chatId)?.run?.stop();
  }

  // answered are the prompts that were taken, newest last, without their machinery.
  report() {
    return this.prompts.map(({ run, ...rest }) => ({ ...rest, ended: run?.ended ?? true, sentAt: run?.lastTextAt ?? null }));
  }
}

// Run emits the events of one answer over time, to any number of followers. It
// goes on whatever becomes of them.
export class Run {
  constructor({ steps, handed, answerId }, reply) {
    Object.assign(this, { steps, handed, answerId, reply, at: 0, ended: false, followers: new Set(), onStep: () => {}, onEnd: () => {}, topic: `conversation-turn-${randomUUID()}` });
  }

  begin() {
    this.due = Date.now();
    this.timer = setTimeout(() => this.#tick(), 0);
  }

  // #tick sends all that is due; timers are coarse, so it keeps a schedule.
  #tick() {
    while (!this.ended && this.at < this.steps.length) {
      const step = this.steps[this.at];
      if (this.due + step.wait > Date.now()) break;
      this.due += step.wait;
      this.at++;
      if (step.text !== undefined) {
        this.lastTextAt = performance.now();
        this.firstTextAt ??= this.lastTextAt;
      }
      this.onStep(step);
      for (const f of this.followers) f.step(step, this.at);
      if (step.silent) return;
      if (step.breaks && this.reply.end !== "dropped") return this.end();
    }
    if (this.ended) return;
    if (this.at >= this.steps.length) return this.end();
    this.timer = setTimeout(() => this.#tick(), Math.max(1, this.due + this.steps[this.at].wait - Date.now()));
  }

  end() {
    if (this.ended) return;
    this.ended = true;
    this.endedAt = performance.now();
    clearTimeout(this.timer);
    this.onEnd();
    for (const f of this.followers) f.end();
    this.followers.clear();
  }

  // stop is what the stop button asks for: no end of the message is sent.
  stop() {
    this.stopped = true;
    this.end();
  }

  // follow brings a follower what was sent so far, from an offset, and then the rest.
  follow(follower, from = 0, to = Infinity) {
    for (let i = from; i < Math.min(this.at, to); i++) follower.step(this.steps[i], i + 1);
    if (this.ended) follower.end();
    else this.followers.add(follower);
    return () => this.followers.delete(follower);
  }
}
