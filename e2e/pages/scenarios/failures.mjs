// Every code that a request can fail with: what had arrived stays, the sentence is there, and the remedy does what it says.
import { byTheClock, earlyLost } from "../stage/fill.mjs";

const again = [
  ["press", "Send again"],
  ["until", "it is asked again", (run) => run.worker.all.length === 2],
  ["is", "what is asked", (run) => run.worker.all.map((a) => a.message)[1] === run.worker.all[0].message, true],
];
const toSite = (run) => run.page.evaluate(() => {
  const a = [...document.querySelectorAll("a[href]")].findLast((link) => /chat site/.test(link.innerText));
  return a && { href: new URL(a.href).host, rel: a.rel.includes("noopener"), target: a.target };
});
const siteLink = ["is", "the link to the site", toSite, { href: "chatgpt.com", rel: true, target: "_blank" }];
const editable = (text) => [
  ["press", "Edit"],
  ["value", "Message", text],
  ["focus", "Message"],
  ["is", "nothing was sent", (run) => run.worker.all.length, 1],
];

// What a message makes the worker fail with, and what the page then offers.
const byWorker = {
  logged_out: { says: "logged out of the chat site", remedy: [siteLink, ["none", "button", "Send again"]] },
  challenge: { says: "prove that a human is there", remedy: [siteLink, ["none", "button", "Send again"]] },
  mode_unavailable: { says: "does not offer this mode", remedy: [["press", "Use auto"], ["until", "it is asked again", (run) => run.worker.all.length === 2], ["is", "the mode", (run) => run.worker.last.request.response_type, "auto"]] },
  too_long: { says: "too long", remedy: (text) => editable(text) },
  chat_not_found: { says: "no longer has this chat", remedy: (text) => [["press", "New chat with this text"], ["value", "Message", text], ["url", /^\/(client\/)?$/], ["focus", "Message"]] },
  page_changed: { says: "Update the extension", remedy: [["see", /update the extension/i]] },
  incomplete_answer: { says: "Look at the site before", remedy: [siteLink, ["none", "button", "Send again"]] },
  worker_lost: { says: "The tab was closed", remedy: [siteLink, ["none", "button", "Send again"]] },
  worker_error: { says: "could not answer", remedy: again },
  rate_limited: { words: "rate_limited 12", says: "too many messages", first: [["see", /Send again in \d:\d\d/], ["enabled", /Send again in/, false]], remedy: [["enabled", /Send again/, true], ...again] },
};

const shown = (code) => `chat-failed-${code.replaceAll("_", "-")}`;

const alike = (code) => ({ few: !["rate_limited", "logged_out", "worker_lost"].includes(code) });

export default [
  ...Object.entries(byWorker).map(([code, { words = code, says, first = [], remedy }]) => {
    const text = `[fail ${words}] Why?`;
    return {
      name: `failed: ${code}`,
      steps: [
        ["enter"],
        ["say", text],
        ["see", says],
        ["spoken", says],
        ["see", "You said:"], // the half that had come
        ...first,
        ["state", shown(code), alike(code)],
        ...(typeof remedy === "function" ? remedy(text) : remedy),
      ],
    };
  }),
  {
    name: "failed: mode_unavailable, when thinking was asked for",
    steps: [["enter"], ["choose", "Mode", "Thinking"], ["choose", "Thinking time", "Extended"], ["say", "[early mode_unavailable] Think"], ["see", "does not offer this mode"], ["press", "Use auto"], ["until", "it is asked again", (run) => run.worker.all.at(-1).request.response_type === "auto"]],
  },
  {
    name: "failed: worker_lost before anything was sent",
    steps: [
      ["enter"],
      ["is", "three hand-overs", async (run) => void (run.asked = await earlyLost(run))],
      ["open", (run) => `/?chat=${run.asked.chat.id}#${run.asked.id}`],
      ["see", "Nothing was sent"],
      ["state", shown("worker_lost_early"), { few: true }],
      ["press", "Send again"],
      ["see", "You said: Nobody ever types this"],
    ],
  },
  {
    name: "failed: timeout",
    steps: [
      ["enter"],
      ["asked", "[hold] Too slow", { timeout_seconds: 1 }],
      ["open", (run) => `/?chat=${run.asked.chat.id}`],
      ["see", "No answer came within the request's timeout"],
      ["state", shown("timeout"), { few: true }],
      siteLink,
      ["none", "button", "Send again"],
    ],
  },
  ...[
    ["expired", "No worker took the message within 24 hours", [["press", "Send again"], ["see", "You said: A message that nobody took"]]],
    ["internal", "Something went wrong here", [["press", "Copy request id"], ["clipboard", (run) => run.asked.id]]],
  ].map(([code, says, remedy]) => ({
    name: `failed: ${code}`,
    errors: [/Failed to load resource/, /SSE error/, /WebSocket connection/],
    steps: [
      ["enter"],
      ["is", "a day goes by", async (run) => void (run.asked = await byTheClock(run.server, run.account, run.worker, code))],
      ["open", (run) => `/?chat=${run.asked.chat.id}`],
      ["see", says],
      ["state", shown(code), alike(code)],
      ...remedy,
    ],
  })),
];
