import type { Ended, Failed } from "../messages";
import { cleaned } from "./clean";
import { compare } from "./compare";
import type { Likeness } from "./compare";
import { Failure, SENTENCES } from "./failure";
import type { Finder } from "./find";
import { chatIdAt, isChatId, isTemporary } from "./location";
import { imageNote, toMarkdown } from "./markdown";
import { TextSender } from "./news";
import type { Person } from "./person";
import type { Call, Hub } from "./stream/hub";
import { isFor } from "./stream/hub";
import { answerTo } from "./stream/readback";
import type { StreamState, Transcript } from "./stream/transcript";
import { IMAGE_NOTE } from "./stream/transcript";
import { bytes, lines } from "./text";
import { titleOf } from "./title";
import type { Troubles } from "./trouble";
import { Turns } from "./turns";
import { judge } from "./verdict";
import type { Verdict, View } from "./verdict";
import type { Changes } from "./wait";

/** What of a page's state an answer is read with. */
export interface Senses {
  finder: Finder;
  hub: Hub;
  changes: Changes;
  troubles: Troubles;
  person: Person;
  window: Window;
}

export interface Question {
  message: string;
  /** The site's id of the chat, where it is known. */
  chatId: string | null;
  /** Date.now() of the press; null: it was not seen, by this page at least. */
  pressedAt: number | null;
  /** Turns on the page before the press. */
  before: ReadonlySet<string> | null;
  /** Where the composer was emptied, that is a sign of sending. */
  composerHolds(): boolean;
  /** Somebody's draft would be lost if the page were loaded anew. */
  hasDraft(): boolean;
}

export interface Listener {
  answering(): void;
  chat(id: string): void;
  text(offset: number, text: string): void;
}

export type Outcome = Pick<Ended, "response" | "chat_id" | "chat_title" | "evidence"> | Omit<Failed, "type" | "request_id" | "attempt">;

/** After the press some sign of it comes within this time: a turn, a stop button, an empty composer, the page's call. */
const PROOF_MS = 10_000;
/** A message that is in its chat is there within this time after the chat has loaded. */
const FIND_MS = 20_000;
/** A page that was told to load another goes within this time. */
const LOAD_MS = 20_000;
/** How often to look without a cause. */
const LOOK_MS = 400;
/** While a stream brings text, it is handed on at most so often; the background spaces it further for the bridge. */
const TEXT_GAP_MS = 25;
/** Else looks take at most a fifth of the page's time, so that nothing waits longer than it must. */
const REST = 4;
/** The document is read at most so often while a stream runs; it is not needed then. */
const DOM_GAP_MS = 250;
/** Turning a long answer into Markdown takes a while; without a stream it is done at most so often. */
const MARKDOWN_GAP_MS = 500;
/** The most that the bridge takes. */
const MAX_ANSWER_BYTES = 7 * 1024 * 1024;

/** Follows one answer to its end. It only reads. */
export class Following {
  private readonly turns: Turns;
  private readonly sender: TextSender;
  private readonly began = Date.now();
  private chatId: string | null;
  private state: { is: StreamState; since: number } = { is: "waiting", since: Date.now() };
  private news = { version: -1, transcript: null as Transcript | null, at: Date.now() };
  private dom: View["dom"] = { found: false, text: "", likeness: null, running: false, actions: false, error: false, cut: false, stableFor: 0, samples: 0 };
  private seen = { key: "", since: Date.now(), samples: 0, at: -Infinity, markdownAt: -Infinity };
  private committed: boolean;
  private answering = false;
  private questionSeen = false;
  private scrolled = false;
  /** How long the last look took, in milliseconds. */
  private cost = 0;
  /** When the chat was asked to load anew; this script then has little time left. */
  private loading: number | null = null;

  constructor(
    private readonly senses: Senses,
    private readonly question: Question,
    private readonly listener: Listener,
  ) {
    this.turns = new Turns(senses.finder, question.message, question.before);
    this.chatId = question.chatId;
    this.committed = question.pressedAt === null;
    this.sender = new TextSender((offset, text) => listener.text(offset, text));
  }

  /** Tells everything from the start again. */
  restart(): void {
    this.sender.restart();
    if (this.chatId) this.listener.chat(this.chatId);
    if (this.answering) this.listener.answering();
  }

  run(signal: AbortSignal): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      let busy = false;
      const finish = (): void => {
        off();
        rest();
        signal.removeEventListener("abort", aborted);
      };
      const aborted = (): void => {
        finish();
        reject(signal.reason as Error);
      };
      const look = (): void => {
        if (busy) return;
        busy = true;
        const began = performance.now();
        try {
          const outcome = this.look();
          if (outcome) {
            finish();
            resolve(outcome);
          }
        } catch (error) {
          finish();
          if (error instanceof Failure) resolve({ code: error.code, detail: error.detail, ...(error.retryAfter ? { retry_after: error.retryAfter } : {}), partial: this.transcript()?.text ?? this.dom.text });
          else reject(error instanceof Error ? error : new Error(String(error)));
        } finally {
          busy = false;
          this.cost = performance.now() - began;
        }
      };
      const { changes } = this.senses;
      const off = changes.throttled(look, () => this.gap());
      const rest = changes.clock.every(LOOK_MS, look);
      signal.addEventListener("abort", aborted);
      if (signal.aborted) aborted();
      else look();
    });
  }

  /** How long after a look the next one may come: the first words and a stream's end are not waited with. */
  private gap(): number {
    const flows = !this.sender.silent && this.senses.hub.calls.some(({ transcript }) => transcript.state === "running");
    return Math.max(flows ? TEXT_GAP_MS : 0, this.cost * REST);
  }

  private look(): Outcome | null {
    const now = Date.now();
    if (this.loading !== null && now - this.loading < LOAD_MS) return null;
    const call = this.call();
    if (call?.refused) this.refuse(call);
    const transcript = this.transcript(call);
    this.noteStream(transcript, now);
    this.readPage(transcript, now);
    this.noteChat(transcript);
    if (!this.committed) this.prove(call, now);
    if (!transcript || transcript.state === "waiting") this.checkTrouble(call, now);
    this.checkFound(transcript, now);

    const text = transcript?.text || (transcript?.state === "running" ? "" : this.dom.text);
    if (!this.answering && (text !== "" || transcript?.state === "running" || this.dom.found)) {
      this.answering = true;
      this.listener.answering();
    }
    this.sender.update(text);
    return this.conclude(judge(this.view(transcript, now)), transcript);
  }

  // ---- the stream

  /** The page's own call that sent our message. */
  private call(): Call | undefined {
    const { pressedAt } = this.question;
    return this.senses.hub.calls.findLast((call) => {
      if (call.kind !== "send") return false;
      const ours = this.isOurs(call);
      // A little earlier: clocks of two worlds are one, but the press and the call are one task.
      return pressedAt === null ? ours === true && this.questionSeen : ours !== false && call.at >= pressedAt - 5;
    });
  }

  /** Compared once: messages may be long. */
  private readonly ours = new WeakMap<Call, boolean>();

  private isOurs(call: Call): boolean | null {
    const known = this.ours.get(call);
    if (known !== undefined) return known;
    const is = isFor(call, this.question.message);
    if (is !== null) this.ours.set(call, is);
    return is;
  }

  /** What tells most: our call, a stream that resumes it, or the chat that the page read back. */
  private transcript(call = this.call()): Transcript | null {
    const { hub } = this.senses;
    const from = this.question.pressedAt ?? -Infinity;
    const id = call?.transcript.chatId ?? this.chatId;
    let best = call?.transcript ?? null;
    for (const other of hub.calls) {
      if (other.kind !== "resume" || other.at < from || other.refused || other.failed) continue;
      // One that has not said yet which chat it is for is taken for this page's.
      if (other.transcript.chatId === null ? best !== null : other.transcript.chatId !== id) continue;
      if (other.transcript.state !== "waiting" && best?.state !== "whole") best = other.transcript;
    }
    if (best?.state === "whole" || !hub.readBack || hub.readBack.at < from) return best;
    const { read } = hub.readBack;
    if (id !== null && read.chatId !== null && read.chatId !== id) return best;
    const again = this.readBack(read);
    if (!again) return best;
    this.questionSeen = true;
    // Read back while the answer runs, it is a beginning; the stream that goes on tells more.
    if (again.state === "whole" || !best) return again;
    return best.state === "broken" && again.text.length > best.text.length ? again : best;
  }

  private again: { read: object; transcript: Transcript | null } | null = null;

  private readBack(read: NonNullable<Hub["readBack"]>["read"]): Transcript | null {
    if (this.again?.read !== read) this.again = { read, transcript: answerTo(this.question.message, read, this.senses.finder.pack.stream) };
    return this.again.transcript;
  }

  private noteStream(transcript: Transcript | null, now: number): void {
    if (transcript !== this.news.transcript || transcript?.version !== this.news.version) this.news = { transcript, version: transcript?.version ?? -1, at: now };
    const is = transcript?.state ?? "waiting";
    if (is !== this.state.is) this.state = { is, since: now };
  }

  private refuse(call: Call): never {
    const { refused } = call;
    if (!refused) throw new Error("not refused");
    // The page may tell the time when the limit ends where the refusal itself does not.
    const trouble = this.senses.troubles.look().find(({ code }) => code === refused.code);
    const code = refused.code;
    const sentence = code === "worker_error" ? `The chat site refused the message (HTTP ${refused.status}).` : SENTENCES[code];
    throw new Failure(code, sentence, refused.retryAfter ?? trouble?.retryAfter ?? null);
  }

  // ---- the page

  private readPage(transcript: Transcript | null, now: number): void {
    const settling = transcript === null || transcript.state !== "running";
    if (!settling && now - this.seen.at < DOM_GAP_MS) return;
    const { finder } = this.senses;
    const { user, assistant } = this.turns.find();
    if (user) this.questionSeen = true;
    const stop = finder.find("stop") !== null;
    const thinking = assistant !== null && finder.find("thinking", assistant) !== null;
    const answer = assistant && (finder.find("answer", assistant)?.element ?? null);
    const images = assistant ? finder.all("image", assistant) : [];
    const running = stop || thinking;
    const length = answer?.textContent?.length ?? 0;
    const key = `${assistant ? finder.keyOf(assistant) : ""} ${length} ${running}`;
    if (key !== this.seen.key) Object.assign(this.seen, { key, since: now, samples: 0 });
    if (now > this.seen.at) this.seen.samples++;
    this.seen.at = now;
    this.dom = {
      ...this.dom,
      found: answer !== null || images.length > 0,
      running,
      actions: assistant !== null && finder.find("actions", assistant) !== null,
      error: assistant !== null && finder.find("turn_error", assistant) !== null,
      cut: assistant !== null && finder.find("turn_cut", assistant) !== null,
      stableFor: now - this.seen.since,
      samples: this.seen.samples,
    };
    if (answer && transcript && transcript.state !== "running" && transcript.bare !== "") this.dom.likeness = this.likeness(transcript, answer);
    else if (transcript?.state === "whole" && transcript.hasImages && images.length > 0) this.dom.likeness = "same";
    else if (!transcript || transcript.state !== "whole") this.dom.likeness = null;
    const wanted = !transcript || transcript.state === "waiting" || transcript.state === "broken" || (transcript.state === "running" && this.dom.stableFor > 2_000);
    if (wanted && now - this.seen.markdownAt >= MARKDOWN_GAP_MS) {
      this.seen.markdownAt = now;
      const words = answer ? toMarkdown(cleaned(answer, finder, "links")) : "";
      // A picture has no actions under it in some versions: that it is there is its end.
      if (words === "" && images.length > 0) this.dom.actions ||= !running;
      this.dom.text = words !== "" ? words : images.map((image) => imageNote(image.getAttribute("alt"))).join("\n\n");
      if (answer && transcript?.state === "running" && transcript.bare !== "") this.dom.likeness = this.likeness(transcript, answer);
    }
    if (this.question.pressedAt === null && !user && !this.scrolled && now - this.began > 3_000) {
      // A long chat may have been left somewhere in its middle; its newest turns are at its end.
      this.scrolled = true;
      finder.turns().at(-1)?.scrollIntoView({ block: "end" });
    }
  }

  private compared: { bare: string; page: string; likeness: Likeness } | null = null;

  private likeness(transcript: Transcript, answer: Element): Likeness {
    const { bare } = transcript;
    const page = cleaned(answer, this.senses.finder, "gone").textContent ?? "";
    if (this.compared?.bare !== bare || this.compared.page !== page) this.compared = { bare, page, likeness: compare(bare, page) };
    return this.compared.likeness;
  }

  private noteChat(transcript: Transcript | null): void {
    const { finder, window } = this.senses;
    if (isTemporary(window.location)) return;
    const said = transcript?.chatId ?? null;
    const shown = this.committed ? chatIdAt(window.location, finder.pack) : null;
    // The address is believed only where our turn is on the page: a person may have gone to another chat.
    const id = isChatId(said, finder.pack) ? said : this.questionSeen ? shown : null;
    if (id === null || id === this.chatId) return;
    this.chatId = id;
    this.listener.chat(id);
  }

  // ---- what can go wrong

  private prove(call: Call | undefined, now: number): void {
    const { finder } = this.senses;
    if (call || this.questionSeen || finder.find("stop") || !this.question.composerHolds()) {
      this.committed = true;
      return;
    }
    if (now - (this.question.pressedAt ?? now) > PROOF_MS) throw new Failure("worker_lost", "The send button was pressed, but the page shows no sign that the message went out. It was not pressed again. Look at the chat at the site before you send again.");
  }

  /** Without a stream the page itself may say why there is none. */
  private checkTrouble(call: Call | undefined, now: number): void {
    if (this.questionSeen && this.dom.found) return;
    const trouble = this.senses.troubles.look()[0];
    if (!trouble) return;
    // What the site answers to the call says it better, and comes soon.
    if (call && !call.failed && now - call.at < 1_500) return;
    throw new Failure(trouble.code, SENTENCES[trouble.code], trouble.retryAfter);
  }

  private checkFound(transcript: Transcript | null, now: number): void {
    if (this.question.pressedAt !== null || this.questionSeen || transcript) return;
    if (now - this.began > FIND_MS) throw new Failure("worker_lost", "The message was not found in the chat. It may have been sent, so it was not sent again. Look at the chat at the site.");
  }

  private view(transcript: Transcript | null, now: number): View {
    const { person, window } = this.senses;
    const { pressedAt } = this.question;
    return {
      stream: transcript && {
        state: transcript.state,
        text: transcript.text,
        unsure: transcript.unsure,
        stateFor: now - this.state.since,
        silentFor: now - this.news.at,
        again: transcript === this.again?.transcript,
      },
      dom: this.dom,
      live: pressedAt !== null,
      visible: window.document.visibilityState === "visible",
      stopped: person.stopped >= (pressedAt ?? this.began),
      waitedFor: now - this.began,
      canLoad: this.chatId !== null && this.loading === null && !isTemporary(window.location) && !this.question.hasDraft(),
    };
  }

  private conclude(verdict: Verdict, transcript: Transcript | null): Outcome | null {
    if (verdict.kind === "wait") return null;
    if (verdict.kind === "load") {
      // This script ends with its page. The background has the one of the next page watch this message.
      this.loading = Date.now();
      this.senses.window.location.assign(this.senses.finder.pack.chat_paths[0]?.replace("{chat}", this.chatId ?? "") ?? "/");
      return null;
    }
    if (verdict.kind === "failed") return { code: verdict.code, detail: verdict.detail, partial: verdict.partial.toWellFormed() };
    let response = verdict.from === "stream" ? (transcript?.text ?? "") : this.dom.text;
    // The page knows what the picture shows.
    if (transcript?.hasImages && response.startsWith(IMAGE_NOTE)) response = this.imageNotes() || response;
    response = response.toWellFormed();
    if (response === "") return { code: "incomplete_answer", detail: "The answer ended without any text. Look at the chat at the site.", partial: "" };
    if (bytes(response) > MAX_ANSWER_BYTES) return { code: "incomplete_answer", detail: "The answer is longer than 7 MiB, the most that can be handed on. Its beginning is kept.", partial: response.slice(0, 1_000_000).toWellFormed() };
    const { window } = this.senses;
    const { evidence } = verdict;
    const note = [evidence.note, this.sentOtherwise()].filter((part) => part).join("; ");
    return { response, chat_id: isTemporary(window.location) ? null : this.chatId, chat_title: titleOf(this.chatId, transcript, this.senses), evidence: { ...evidence, ...(note !== "" ? { note } : {}) } };
  }

  /** The composer held the text exactly; what the page made of it shows in its call. */
  private sentOtherwise(): string | null {
    const sent = this.call()?.message;
    if (sent === undefined || sent === null || lines(sent).trim() === lines(this.question.message).trim()) return null;
    return `the page sent the message with other white space (${sent.length} characters instead of ${lines(this.question.message).length})`;
  }

  private imageNotes(): string {
    const { assistant } = this.turns.find();
    return assistant ? this.senses.finder.all("image", assistant).map((image) => imageNote(image.getAttribute("alt"))).join("\n\n") : "";
  }
}
