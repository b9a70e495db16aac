// The turns of a chat, drawn from what is known of them.
import { el } from "./dom.js";
import { draw } from "./markdown.js";

// A turn: {key, role, id, nodes: [{id, kind: "final"|"commentary"|"thinking", text, references, image}],
// state: "waiting"|"running"|"done"|"stopped"|"cut"|"limit"|"refused", error}

export function thread(app) {
  const { hooks, words, settings } = app;
  const dom = el("div", { class: "thread", id: "thread" });
  const drawn = new Map(); // key → {element, made of}
  let due = false;

  // Turns come and go at once, as the site's framework does it. The text of an
  // answer that streams is drawn by animation frames (which a hidden tab does not
  // have) or by timers: what is drawn of a turn is its `shown`.
  const later = settings.render === "raf" ? (f) => requestAnimationFrame(f) : (f) => setTimeout(f, 16);
  const changed = () => {
    if (due) return;
    due = true;
    later(() => {
      due = false;
      for (const turn of app.turns) turn.shown = turn.nodes;
      render();
    });
  };
  // structure draws which turns there are, and their states.
  const structure = () => {
    for (const turn of app.turns) turn.shown ??= turn.nodes;
    render();
    changed();
  };

  function render() {
    const turns = app.turns;
    const first = settings.virtual ? Math.max(0, turns.length - settings.virtual) : 0;
    const wanted = [];
    turns.forEach((turn, i) => {
      const near = i >= first;
      const made = near ? JSON.stringify([turn.shown, turn.state, turn.error, turn.id, i]) : "far";
      let d = drawn.get(turn.key);
      if (!d || d.made !== made) {
        const element = near ? (turn.role === "user" ? question(turn, i) : answer(turn, i, d?.element)) : el("div", { style: "height:120px", "aria-hidden": "true" });
        d = { element, made };
        drawn.set(turn.key, d);
      }
      wanted.push(d.element);
    });
    if (wanted.length !== dom.children.length || wanted.some((e, i) => dom.children[i] !== e)) dom.replaceChildren(...wanted);
  }

  const question = (turn, i) =>
    el(hooks.turnTag, hooks.turn(i + 1, "user", turn.id), el("h5", { class: "sr-only" }, words.youSaid),
      el("div", { ...hooks.node("user", turn.id), dir: "auto", class: "min-h-8 text-message relative" }, el("div", hooks.bubble, el("div", hooks.asked, turn.text))));

  // answer keeps its element while it grows, as the site does.
  function answer(turn, i, before) {
    const parts = [el("h6", { class: "sr-only" }, words.said)];
    const running = turn.state === "running" || turn.state === "waiting";
    const final = turn.shown.find((n) => n.kind === "final" && (n.text || n.image));
    const thought = turn.shown.some((n) => n.kind === "thinking");
    if (running && !final && (thought || turn.state === "waiting")) {
      const live = turn.shown.find((n) => n.kind === "thinking");
      parts.push(el("div", hooks.live, el("span", { class: "loading-shimmer" }, words.thinking), live && el("div", { ...hooks.answer }, live.text), el("button", { type: "button" }, words.now)));
    } else if (thought) parts.push(el("div", {}, el("button", { type: "button" }, words.thought)));
    for (const n of turn.shown) {
      if (n.kind === "thinking") continue;
      const role = el("div", { ...hooks.node("assistant", n.id, "gpt-5-6"), dir: "auto", class: "min-h-8 text-message relative" });
      if (n.image) role.append(el("div", { class: "group/imagegen-image" }, el("img", { alt: "Generated image", src: "/backend-api/estuary/content?id=file_00000000abcd" })));
      else {
        const md = el("div", { ...hooks.answer, class: `${hooks.answer.class ?? ""} ${running && n === final ? "streaming-animation" : ""}`.trim() || undefined });
        draw(md, n.text, n.references, hooks, words);
        role.append(md);
      }
      parts.push(role);
    }
    if (turn.error) parts.push(el("div", { class: "text-token-text-error border" }, el("span", {}, turn.error), el("button", { type: "button", "data-testid": "regenerate-thread-error-button" }, words.retry)));
    if (!running && !final?.image && final) {
      parts.push(el("div", { role: "group", "aria-label": words.actions }, el("button", { ...hooks.copy, type: "button", "aria-label": words.copy }, "⧉"), el("button", { ...hooks.good, type: "button", "aria-label": words.good }, "👍"), el("button", { ...hooks.bad, type: "button", "aria-label": words.bad }, "👎"), el("button", { type: "button", "aria-label": words.read, "data-testid": "voice-play-turn-action-button" }, "🔊")));
    }
    if (turn.state === "limit") parts.push(el("button", { type: "button", class: "btn" }, words.more));
    const attributes = hooks.turn(i + 1, "assistant", turn.id);
    if (before?.tagName.toLowerCase() === hooks.turnTag) {
      for (const [k, v] of Object.entries(attributes)) before.setAttribute(k, v);
      before.replaceChildren(...parts);
      return before;
    }
    return el(hooks.turnTag, attributes, ...parts);
  }

  return { dom, changed, structure };
}
