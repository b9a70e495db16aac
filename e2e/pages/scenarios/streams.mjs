// Connections that break, servers that die, keys that are revoked, tabs by the dozen.
import { equal } from "node:assert/strict";

const away = [/Failed to load resource/, /SSE error/, /WebSocket connection/, /net::ERR/, /establish a connection/];
const held = { script: (a) => a.take().then(() => a.hold()) };
const many = { script: async (a) => (await a.take(), a.say(`This is the answer to “${a.message}”`), a.hold()), capacity: 40 };

const untrusted = [/Cross-Origin-Opener-Policy/];

const logs = (run) => run.watch.console.filter((l) => l.type === "log").map((l) => l.text);

const tenTabs = [
  ["enter", { remember: true }],
  ["is", "ten chats, one in each tab", async (run) => {
    for (let i = 0; i < 10; i++) {
      const r = await run.account.submit(`Question ${i}`);
      run.tabs[i] ??= await run.context.newPage();
      await run.tabs[i].goto(`${run.base}/?chat=${r.chat.id}`);
    }
  }],
  ["is", "each gets what comes", async (run) => {
    for (const a of run.worker.all) {
      await a.go;
      a.say(", live.");
    }
    for (let i = 0; i < 10; i++) await run.tabs[i].getByText(`This is the answer to “Question ${i}”, live.`).waitFor();
  }],
  ["is", "and can still call the server", async (run) => {
    for (let i = 0; i < 10; i++) equal(await run.tabs[i].evaluate(async () => (await fetch("/healthz")).status), 200);
  }],
  ["is", "and its end", async (run) => {
    for (const a of run.worker.all) a.end();
    for (let i = 0; i < 10; i++) await run.tabs[i].getByRole("button", { name: "Copy answer" }).waitFor();
  }],
];

export default [
  {
    name: "guide: the complete flow, with its lines on the console",
    steps: [
      ["enter"],
      ["say", "Hello"],
      ["spoken", "Answer complete"],
      ["see", "You said: Hello"],
      [
        "is",
        "the console",
        async (run) => {
          const id = run.worker.last.id;
          const lines = [];
          for (const { type, args } of run.watch.console) if (type === "log") lines.push(await Promise.all(args.map((a) => a.jsonValue())));
          equal(lines.length, 5, JSON.stringify(lines));
          const [connecting, established, connected, done, received] = lines;
          equal(connecting.join(" "), `📡 Connecting to SSE for request: ${id}`);
          equal(established.join(" "), "✅ SSE connection established");
          equal(connected[0], "📨 SSE message received:");
          equal(connected.length, 2);
          equal(JSON.stringify(connected[1]), JSON.stringify({ type: "connected", request_id: id }));
          equal(done[0], "📨 SSE message received:");
          equal(`${done[1].status} ${done[1].response} ${done[1].error} ${done[1].request_id}`, `done You said: Hello null ${id}`);
          equal(received.join(" "), "✅ Response received successfully");
          for (const { type } of run.watch.console) if (type !== "log" && type !== "debug") throw new Error(`the console has a ${type}`);
        },
      ],
      ["is", "the webhook", async (run) => (await run.server.admin("GET", `deliveries/?request_id=${run.worker.last.id}`)).map((d) => d.status), ["delivered"]],
    ],
  },
  {
    name: "guide: streams are blocked, one call brings the answer",
    errors: away,
    worker: { script: async (a) => (await a.wait(300), await a.take(), a.say("Hi, by one call"), a.end()) },
    steps: [
      ["enter"],
      ["block", "/api/sse/**"],
      ["is", "calls are counted", (run) => void (run.calls = [], run.page.on("request", (r) => r.method() === "GET" && /\/api\/chat\/requests\/[^/?]+\/$/.test(r.url()) && run.calls.push(r.url())))],
      ["asked", "Something else"], // so that the list has a chat
      ["is", "an answer before the page hears of it", (run) => run.server.freeze()],
      ["is", "back", (run) => run.server.thaw()],
      ["say", "Hello"],
      ["see", "Hi, by one call"],
      ["is", "the console says what is wrong", (run) => run.watch.errors.some((e) => e.includes("SSE error")), true],
      ["is", "no stream was open", (run) => logs(run).filter((l) => l.includes("✅ SSE")).length, 0],
    ],
  },
  {
    name: "guide: the fallback is one call for each error",
    errors: away,
    worker: held,
    steps: [
      ["enter"],
      ["block", "/api/sse/**"],
      ["is", "calls are counted", (run) => void (run.calls = [], run.page.on("request", (r) => r.method() === "GET" && /\/api\/chat\/requests\/[^/?]+\/$/.test(r.url()) && run.calls.push(r.url())))],
      ["say", "Hello"],
      ["until", "an error", (run) => run.watch.errors.some((e) => e.includes("SSE error"))],
      ["wait", 250],
      ["is", "calls for each error", (run) => run.calls.length === run.watch.errors.filter((e) => e.includes("SSE error")).length, true],
      ["attempt", "end", { response: "By the call" }],
      ["see", "By the call"],
    ],
  },
  {
    name: "broken: the server is killed in mid-answer and started again",
    errors: away,
    worker: held,
    steps: [
      ["enter"],
      ["say", "Hello"],
      ["attempt", "say", "The first half"],
      ["see", "The first half"],
      ["kill"],
      ["see", /Reconnecting in \d+ s/],
      ["see", "The first half"],
      ["state", "chat-reconnecting"],
      ["start"],
      ["maybe", "press", "Now"],
      ["gone", "Reconnecting in"],
      ["attempt", "say", ", the second"],
      ["see", "The first half, the second"],
      ["attempt", "end"],
      ["spoken", "Answer complete"],
      ["say", "And then?"],
      ["until", "the chat goes on", (run) => run.worker.last.message === "And then?"],
    ],
  },
  {
    name: "broken: by itself it comes back too",
    errors: away,
    worker: held,
    slow: true,
    steps: [["enter"], ["say", "Hello"], ["attempt", "say", "The first half"], ["see", "The first half"], ["kill"], ["see", /Reconnecting in/], ["start"], ["attempt", "say", ", the second"], ["see", "The first half, the second", 40_000], ["attempt", "end"], ["spoken", "Answer complete"]],
  },
  {
    name: "broken: offline, and back",
    errors: away,
    worker: held,
    steps: [
      ["enter"],
      ["say", "Hello"],
      ["attempt", "say", "The first half"],
      ["see", "The first half"],
      ["offline"],
      ["see", "Offline. The answer goes on at the server."],
      ["state", "chat-offline"],
      ["attempt", "say", ", the second"],
      ["offline", false],
      ["see", "The first half, the second"],
      ["gone", "Offline"],
      ["attempt", "end"],
      ["spoken", "Answer complete"],
    ],
  },
  {
    name: "broken: a message sent while the server is away is sent once, when it is pressed again",
    errors: away,
    steps: [
      ["enter"],
      ["kill"],
      ["say", "Only once"],
      ["see", "Your text is still here"],
      ["value", "Message", "Only once"],
      ["state", "chat-not-sent"],
      ["start"],
      ["press", "Send"],
      ["see", "You said: Only once"],
      ["is", "how often", (run) => run.worker.all.length, 1],
    ],
  },
  {
    name: "broken: the reply to a send is lost, and the page reloaded: it is the same message",
    errors: away,
    steps: [
      ["enter"],
      ["is", "a reply that never comes", (run) => run.context.route("**/api/chat/submit/", async (route) => (await route.fetch(), route.abort("connectionreset")), { times: 1 })],
      ["say", "Only once"],
      ["see", "Your text is still here"],
      ["reload"],
      ["value", "Message", "Only once"],
      ["press", "Send"],
      ["see", "You said: Only once"],
      ["wait", 300],
      ["is", "how often", (run) => run.worker.all.length, 1],
    ],
  },
  {
    name: "key: revoked while the page is open; the draft is kept",
    errors: away,
    steps: [
      ["enter"],
      ["say", "Hello"],
      ["see", "You said: Hello"],
      ["fill", "Message", "A draft that must not get lost"],
      ["revoke"],
      ["see", "Log in again", 15_000],
      ["state", "chat-key-revoked"],
      ["freshKey"],
      ["fill", "API Key", (run) => run.account.key],
      ["press", "Log in"],
      ["gone", "Log in again"],
      ["value", "Message", "A draft that must not get lost"],
      ["see", "You said: Hello"],
    ],
  },
  {
    name: "key: revoked before a send; the text is kept and goes out",
    errors: away,
    steps: [
      ["enter"],
      ["block", "/ws/**"],
      ["fill", "Message", "What I wanted to say"],
      ["revoke"],
      ["press", "Send"],
      ["see", "Log in again"],
      ["freshKey"],
      ["fill", "API Key", (run) => run.account.key],
      ["press", "Log in"],
      ["value", "Message", "What I wanted to say"],
    ],
  },
  {
    name: "tabs: two of one chat see the same",
    worker: held,
    steps: [
      ["enter", { remember: true }],
      ["say", "Hello"],
      ["attempt", "say", "For both"],
      ["see", "For both"],
      ["tab", 1],
      ["open", (run) => run.tabs[0].url()],
      ["see", "For both"],
      ["attempt", "say", " of them"],
      ["see", "For both of them"],
      ["tab", 0],
      ["see", "For both of them"],
      ["tab", 1],
      ["fill", "Message", "Written in the second"],
      ["tab", 0],
      ["attempt", "end"],
      ["spoken", "Answer complete"],
      ["tab", 1],
      ["value", "Message", "Written in the second"],
      ["spoken", "Answer complete"],
    ],
  },
  {
    name: "tabs: a chat that another tab begins is in the list at once",
    steps: [["enter", { remember: true }], ["tab", 1], ["open", "/"], ["see", "No chats yet"], ["tab", 0], ["say", "Begun elsewhere"], ["see", "You said: Begun elsewhere"], ["tab", 1], ["there", "link", /Begun elsewhere/]],
  },
  { name: "tabs: ten of them, all live", worker: many, within: 180_000, steps: tenTabs },
  {
    name: "tabs: ten of them by plain http, where tabs cannot agree on who streams",
    stage: { listen: "0.0.0.0:0", flags: ["--public-url", "http://bridge.lan"], worker: false },
    page: { host: "bridge.lan" },
    errors: untrusted,
    within: 180_000,
    steps: [["join", many], ...tenTabs],
  },
  {
    name: "tabs: hidden for half a minute, the stream is closed; seen again, it is there",
    worker: held,
    slow: true,
    within: 90_000,
    steps: [
      ["enter"],
      ["say", "Hello"],
      ["attempt", "say", "Before"],
      ["see", "Before"],
      ["is", "hidden", (run) => run.page.evaluate(() => {
        Object.defineProperty(document, "visibilityState", { configurable: true, get: () => "hidden" });
        Object.defineProperty(document, "hidden", { configurable: true, get: () => true });
        document.dispatchEvent(new Event("visibilitychange"));
      })],
      ["is", "calls are counted", (run) => void (run.calls = 0, run.page.on("request", (r) => /\/api\/chat\/requests\/[^/?]+\/$/.test(r.url()) && run.calls++))],
      ["wait", 32_000],
      ["attempt", "say", ", while hidden"],
      ["wait", 1500],
      ["never", "while hidden"],
      ["until", "it looks from time to time", (run) => new Promise((r) => setTimeout(() => r(run.calls > 0), 11_000))],
      ["is", "seen", (run) => run.page.evaluate(() => {
        delete document.visibilityState;
        delete document.hidden;
        document.dispatchEvent(new Event("visibilitychange"));
      })],
      ["see", "Before, while hidden"],
      ["attempt", "end"],
      ["spoken", "Answer complete"],
    ],
  },
];
