// Whatever dies, at each phase: the answer comes once and whole, or fails with the right code.
const done = { status: "done", prompts: 1, response: "truth", live: false };
const slow = { reply: { every: 25 } }; // an answer of a bit under a second
const lost = (prompts) => ({ status: "failed", codes: ["worker_lost", "incomplete_answer"], prompts });
// What dies right after the press may just have got the prompt out; then its answer is found.
const lostUnlessAsked = (prompts) => (prompts ? done : lost(0));

// The go may have been on its way to a page that was leaving: pressed or not, it is never pressed again.
const pressedOrNot = (prompts) => (prompts ? done : { status: "failed", codes: ["worker_error", "worker_lost"], prompts: 0 });

// Phases, by what is seen of them. Between ready and go: the server is stopped before the page is there, and answers the
// ready when what happened is over, or in the midst of it.
const opening = [["heard", "loading"]];
const waitsForGo = (...steps) => [[["heard", "loading"], ["freeze"]], [["heard", "typed"], ["wait", 300], ...steps, ["thaw"]]];
const slowMount = { page: { mountAfter: 600 }, ...slow };
const submitted = [["phase", "submitted"]]; // the page prepares for a while before it asks
const slowPress = { page: { prepareFor: 900 }, ...slow };
const answering = [["text", 40]];

const at = (what, ...verb) => [
  { name: `${what}: while the page opens`, site: slowMount, meanwhile: [[opening[0], ["wait", 100], verb]], expect: done, within: 40_000 },
  { name: `${what}: between ready and go`, site: slowMount, meanwhile: waitsForGo(verb, ["wait", 500]), expect: done, within: 40_000 },
  { name: `${what}: after the press`, site: slowPress, meanwhile: [[submitted[0], ["wait", 50], verb]], expect: done, within: 40_000 },
  { name: `${what}: in the answer`, site: slow, meanwhile: [[answering[0], verb]], expect: done, within: 40_000 },
  { name: `${what}: as the go comes`, site: slowMount, meanwhile: waitsForGo(verb), expect: pressedOrNot, within: 40_000 },
];
const change = (list, name, over) => list.map((s) => (s.name.endsWith(name) ? { ...s, ...over } : s));

export default [
  ...at("worker killed", "killWorker"),
  { name: "worker killed: while it types", site: slow, ask: { chars: 100_000 }, meanwhile: [[["heard", "typed"], ["killWorker"]]], expect: done },
  { name: "worker killed: three times in one answer", site: { reply: { every: 60, text: "word ".repeat(300) } }, meanwhile: [[["text", 40], ["killWorker"]], [["text", 120], ["killWorker"]], [["text", 200], ["killWorker"]]], expect: done },
  { name: "worker killed: with the answer not acknowledged", site: slow, meanwhile: [[answering[0], ["freeze"]], [["answered"], ["wait", 300], ["killWorker"], ["thaw"]]], expect: done },
  { name: "worker killed: idle", before: [["killWorker"]], expect: { ...done, live: undefined }, within: 40_000 },

  // A page loaded anew right after the press has rarely asked yet; one loaded anew in the answer resumes it.
  ...change(at("tab reloaded", "reloadTab"), "after the press", { expect: lostUnlessAsked }),
  { name: "tab reloaded: after the press, the site has been asked", site: { reply: { every: 25, wait: 600 } }, meanwhile: [[["asked"], ["wait", 100], ["reloadTab"]]], expect: { ...done, prompts: 1 }, within: 40_000 },
  { name: "tab reloaded: in the answer, the page reads again", site: { page: { resume: "poll" }, ...slow }, meanwhile: [[answering[0], ["reloadTab"]]], expect: done },
  { name: "tab reloaded: in the answer, over the WebSocket", site: { reply: { every: 25, protocol: "handoff" } }, meanwhile: [[answering[0], ["reloadTab"]]], expect: done },
  ...change(at("tab closed", "closeTab"), "after the press", { expect: lostUnlessAsked }),
  ...change(at("tab navigated away", "navigateTab", "https://chatgpt.com/"), "after the press", { expect: lostUnlessAsked }),
  { name: "tab navigated to nowhere: in the answer", site: slow, meanwhile: [[answering[0], ["navigateTab", "about:blank"]]], expect: done, within: 40_000 },
  { name: "tab: the person opens a new chat in it", site: slow, meanwhile: [[answering[0], ["clickTab", "[data-testid=create-new-chat-button]"]]], expect: { ...done, status: "failed", codes: ["incomplete_answer", "worker_lost"], response: undefined }, within: 40_000 },
  { name: "tab hidden: in the answer, rAF", site: slow, meanwhile: [[answering[0], ["hideTab"]]], expect: done },
  { name: "tab hidden: from the start, rAF", before: [["hideTab"]], site: slow, expect: done, within: 40_000 },
  { name: "tab hidden: from the start, timers", before: [["hideTab"]], site: { page: { render: "timer" }, ...slow }, expect: done, within: 40_000 },
  { name: "tab hidden: 100,000 characters", before: [["hideTab"]], ask: { chars: 100_000 }, expect: done, within: 40_000 },
  { name: "tab hidden: what came before a silence is told at once", before: [["hideTab"]], site: { reply: { end: "silent", every: 12, piece: 12 } }, ask: { timeout_seconds: 3 }, expect: { status: "failed", codes: ["timeout", "incomplete_answer"], partial: true }, check: toldWithin(400), spoils: true, within: 40_000 },
  { name: "tab discarded: idle", before: [["discardTab"]], expect: done, within: 40_000 },

  // A ready that had left may be answered by a go that nobody hears; then it is not sent again.
  ...change(change(at("browser killed", "killBrowser"), "after the press", { expect: lostUnlessAsked }), "between ready and go", { expect: lostUnlessAsked }).filter((s) => !s.name.endsWith("as the go comes")).map((s) => ({ ...s, spoils: true })),
  { name: "browser quit: in the answer", site: slow, meanwhile: [[answering[0], ["quitBrowser"]]], expect: done, within: 40_000, spoils: true },

  ...at("server killed", "killServer").filter((s) => !/ go( comes)?$/.test(s.name)),
  { name: "server killed: between ready and go", site: slowMount, meanwhile: [[["heard", "loading"], ["freeze"]], [["heard", "typed"], ["wait", 300], ["killServer"]]], expect: done, within: 40_000 },
  { name: "server killed: away for 3 s in the answer", site: slow, meanwhile: [[answering[0], ["killServer", 3000]]], expect: done, within: 40_000 },
  { name: "server killed: with the answer not acknowledged", site: slow, meanwhile: [[answering[0], ["freeze"]], [["answered"], ["wait", 200], ["killServer"]]], expect: done, within: 40_000 },

  { name: "cancel: while it types", ask: { chars: 100_000 }, meanwhile: [[["heard", "typed"], ["cancel"]]], expect: { status: "failed", code: "cancelled", prompts: 0 }, check: emptied, works: true },
  { name: "cancel: while the page opens", site: { page: { mountAfter: 1500 } }, meanwhile: [[["heard", "loading"], ["wait", 100], ["cancel"]]], expect: { status: "failed", code: "cancelled", prompts: 0 }, works: true, after: [["set", { page: { mountAfter: 0 } }]] },
  { name: "cancel: after the press", site: slowPress, meanwhile: [[submitted[0], ["cancel"]]], expect: { status: "failed", code: "cancelled", prompts: [0, 1] }, works: true, after: [["set", { page: { prepareFor: 0 } }]] },
  { name: "cancel: in the answer, the site is told to stop", site: { reply: { every: 80 } }, meanwhile: [[answering[0], ["cancel"]], [["heard", "stopped"]]], expect: { status: "failed", code: "cancelled", prompts: 1 }, works: true, after: [["set", { reply: { every: 4 } }]] },
  { name: "cancel: one that waits its turn", site: slow, ask: [{}, { chat: "same" }], meanwhile: [[answering[0], ["cancel", 1]]], expect: [{ ...done, live: undefined }, { status: "failed", code: "cancelled", prompts: 0 }] },
];

// toldWithin checks how long after the site's last word the client had it.
function toldWithin(ms) {
  return (run, fault) => {
    const { lastTextAt } = run.lane.site.chats.prompts[0].run;
    const lag = run.asked[0].follower.deltas.at(-1).at - lastTextAt;
    if (!(lag < ms)) fault(`the last words came after ${Math.round(lag)} ms`);
  };
}

// emptied: what we had typed is taken out again.
async function emptied(run, fault) {
  for (const end = Date.now() + 5000; Date.now() < end; await new Promise((r) => setTimeout(r, 20))) if (run.lane.site.heard.some((h) => h.what === "emptied")) return;
  fault("what was typed still stands in the composer");
}
