// Writing: drafts, keys, input methods, editing, search, ways to look at the page.
const away = [/Failed to load resource/, /SSE error/, /WebSocket connection/, /net::ERR/, /establish a connection/];
const held = { script: (a) => a.take().then(() => a.hold()) };

export default [
  {
    name: "drafts: over a reload, other chats and a restart of the server",
    errors: away,
    steps: [
      ["asked", "First chat"],
      ["enter"],
      ["fill", "Message", "A new one"],
      ["press", /First chat/, "link"],
      ["value", "Message", ""],
      ["fill", "Message", "For the first"],
      ["press", "New chat"],
      ["value", "Message", "A new one"],
      ["reload"],
      ["value", "Message", "A new one"],
      ["kill"],
      ["start"],
      ["press", /First chat/, "link"],
      ["value", "Message", "For the first"],
      ["press", "Log out"],
      ["enter"],
      ["value", "Message", "A new one"],
    ],
  },
  {
    name: "edit: an old message is changed and goes out as a new one",
    steps: [
      ["enter"],
      ["say", "What is the capitol of Peru?"],
      ["see", "You said: What is the capitol of Peru?"],
      ["press", /^Edit:/],
      ["value", "Message", "What is the capitol of Peru?"],
      ["focus", "Message"],
      ["see", "This goes out as a new message"],
      ["state", "chat-editing"],
      ["fill", "Message", "What is the capital of Peru?"],
      ["press", "Send"],
      ["see", "You said: What is the capital of Peru?"],
      ["see", "You said: What is the capitol of Peru?"],
      ["gone", "This goes out as a new message"],
    ],
  },
  {
    name: "search: titles at once, then texts; a hit opens at its place",
    steps: [
      ["asked", "[title Gardens in the shade] About ferns and moss"],
      ["asked", "[title Another subject] [say The quick brown fox jumps over the lazy dog] Tell me of animals"],
      ["enter"],
      ["there", "link", /Gardens in the shade/],
      ["fill", "Search chats", "garden"],
      ["there", "link", /Gardens in the shade/],
      ["none", "link", /Another subject/],
      ["fill", "Search chats", "brown fox"],
      ["see", /quick brown fox/],
      ["state", "chat-search", { only: [1280] }],
      ["press", /brown fox/, "link"],
      ["url", /[?&]chat=\d+.*#[0-9a-f-]{36}/],
      ["see", "The quick brown fox jumps over the lazy dog"],
      ["reload"],
      ["see", "The quick brown fox jumps over the lazy dog"],
      ["fill", "Search chats", "no such words anywhere"],
      ["see", "Nothing matches"],
      ["state", "chat-search-nothing", { only: [1280] }],
      ["press", "Clear"],
      ["there", "link", /Gardens in the shade/],
    ],
  },
  {
    name: "search: twenty thousand chats, of which few are in the document",
    slow: true,
    stage: {},
    within: 180_000,
    errors: away,
    steps: [
      ["asked", "[title The newest] Hello"],
      ["is", "many chats", async ({ server, account, worker }) => {
        worker.disconnect();
        await server.kill();
        await server.sql(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO chats (id, account_id, site_id, title, created_at, updated_at) SELECT 1000 + i, ${account.id}, 'many-' || i, 'Chat number ' || i, 1700000000000000 + i * 1000000, 1700000000000000 + i * 1000000 FROM n`);
        await server.again();
      }],
      ["enter"],
      ["there", "link", /The newest/],
      ["is", "down to the last", async (run) => {
        await run.page.mouse.move(130, 400);
        for (let i = 0; i < 2000; i++) {
          await run.page.mouse.wheel(0, 20_000);
          await run.page.waitForTimeout(15);
          if (await run.page.getByRole("link", { name: /^Chat number 1\b/ }).isVisible()) return;
        }
        throw new Error("the last one did not come");
      }],
      ["is", "few are in the document", (run) => run.page.evaluate(() => document.querySelectorAll("nav a").length <= 60), true],
      ["state", "chat-list-end", { only: [1280] }],
      ["fill", "Search chats", "number 12345"],
      ["there", "link", /Chat number 12345/],
      ["press", /Chat number 12345/, "link"],
      ["see", "No messages in this chat"],
    ],
  },
  {
    name: "address: back and forward go through the chats",
    steps: [
      ["asked", "[title One] First"],
      ["asked", "[title Two] Second"],
      ["enter"],
      ["press", /One/, "link"],
      ["see", "You said: First"],
      ["title", "One"],
      ["press", /Two/, "link"],
      ["see", "You said: Second"],
      ["back"],
      ["see", "You said: First"],
      ["forward"],
      ["see", "You said: Second"],
      ["open", "/?chat=99999999"],
      ["see", /not among the chats|no such chat/i],
      ["state", "chat-not-there", { few: true }],
    ],
    errors: away,
  },
  {
    name: "search: the list is a drawer where the window is narrow",
    page: { width: 360, height: 740 },
    steps: [
      ["asked", "[title Gardens in the shade] About ferns and moss"],
      ["asked", "[title Another subject] Tell me of animals"],
      ["enter"],
      ["none", "link", /Another subject/],
      ["press", "Chats"],
      ["there", "dialog", "Chats"],
      ["there", "link", /Another subject/],
      ["state", "chat-drawer", { only: [360, 768] }],
      ["keys", "Escape"],
      ["none", "dialog", "Chats"],
      ["focus", "Chats"],
      ["press", "Chats"],
      ["press", /Gardens in the shade/, "link"],
      ["none", "dialog", "Chats"],
      ["see", "You said: About ferns and moss"],
      ["focus", "Message"],
    ],
  },
  {
    name: "keyboard: all of it, without a mouse",
    steps: [
      ["asked", "[title Alpha] First"],
      ["asked", "[title Beta] [markdown] [pace 0] Second"],
      ["open", "/"],
      ["focus", "API Key"],
      ["type", (run) => run.account.key],
      ["keys", "Enter"],
      ["focus", "Message"],
      ["type", "Line one"],
      ["keys", "Shift+Enter"],
      ["type", "line two"],
      ["value", "Message", "Line one\nline two"],
      ["keys", "Enter"],
      ["see", /You said: Line one\s*line two/],
      ["focus", "Message"],
      ["keys", "Control+k"],
      ["focus", "Search chats"],
      ["type", "Bet"],
      ["keys", "ArrowDown"],
      ["focus", "Beta"],
      ["keys", "Enter"],
      ["see", "The end."],
      ["keys", "Control+Shift+Semicolon"],
      ["clipboard", "def fib(n):"],
      ["spoken", "Code copied"],
      ["keys", "Control+Slash"],
      ["there", "dialog", "Keys"],
      ["state", "chat-keys"],
      ["keys", "Escape"],
      ["none", "dialog", "Keys"],
      ["keys", "Shift+Escape"],
      ["focus", "Message"],
      ["keys", "Control+Shift+o"],
      ["url", /^\/(client\/)?(\?q=[^&]*)?$/],
      ["focus", "Message"],
      ["reload"],
      ["focus", "Message"],
      ["is", "the skip link is the first of what Tab reaches", (run) => run.page.evaluate(() => {
        const first = document.querySelector("a[href], button, input, select, textarea");
        first.focus();
        return first.textContent.trim();
      }), "Skip to the message field"],
      ["keys", "Enter"],
      ["focus", "Message"],
    ],
  },
  {
    name: "keyboard: the order is list, messages, composer; the list by arrows",
    steps: [
      ["asked", "[title One] First"],
      ["asked", "[title Two] Second"],
      ["asked", "[title Three] Third"],
      ["enter"],
      ["press", /Three/, "link"],
      ["see", "You said: Third"],
      ["keys", "Shift+Escape", "Control+k", "Escape"],
      ["is", "the order of what Tab reaches", async (run) => {
        await run.page.evaluate(() => document.activeElement.blur());
        const order = [];
        for (let i = 0; i < 40; i++) {
          await run.verbs.keys(run, "Tab");
          const at = await run.page.evaluate(() => (document.activeElement.closest("nav") ? "list" : document.activeElement.closest("[role=log]") ? "messages" : document.activeElement.closest("form") ? "composer" : null));
          if (at && order.at(-1) !== at) order.push(at);
          if (order.length === 3) break;
        }
        return order;
      }, ["list", "messages", "composer"]],
    ],
  },
  {
    name: "keyboard: stop, by keys alone",
    worker: held,
    steps: [["enter"], ["type", "Go on for ever"], ["keys", "Enter"], ["attempt", "say", "For ever"], ["see", "For ever"], ["focus", "Message"], ["tabTo", /^Stop/], ["keys", "Enter"], ["see", "The request was cancelled"]],
  },
  {
    name: "typing: an input method's Enter does not send",
    steps: [
      ["enter"],
      ["focus", "Message"],
      ["compose", "にほん", "日本"],
      ["wait", 200],
      ["is", "nothing was sent", (run) => run.worker.all.length, 0],
      ["value", "Message", "日本"],
      ["keys", "Enter"],
      ["see", "You said: 日本"],
    ],
  },
  {
    name: "typing: on touch, Enter breaks the line",
    page: { touch: true, width: 360, height: 740 },
    steps: [
      ["enter"],
      ["press", "Message", "textbox"],
      ["type", "one"],
      ["keys", "Enter"],
      ["type", "two"],
      ["value", "Message", "one\ntwo"],
      ["press", "Send"],
      ["see", /You said: one\s*two/],
      ["state", "chat-touch", { only: [360, 768] }],
    ],
  },
  {
    name: "modes: what is chosen is sent, and stays chosen",
    steps: [
      ["enter"],
      ["choose", "Mode", "Thinking"],
      ["choose", "Thinking time", "Extended"],
      ["state", "chat-thinking"],
      ["say", "Think"],
      ["see", "You said: Think"],
      ["is", "what was sent", (run) => `${run.worker.last.request.response_type} ${run.worker.last.request.thinking_time}`, "thinking extended"],
      ["reload"],
      ["is", "what is chosen", (run) => run.page.evaluate(() => [...document.querySelectorAll("select")].find((s) => s.value === "thinking") !== undefined), true],
    ],
  },
  {
    name: "modes: a temporary chat",
    steps: [["enter"], ["check", "Temporary"], ["say", "Off the record"], ["see", "You said: Off the record"], ["is", "temporary", (run) => run.worker.last.request.temporary, true]],
  },
  {
    name: "scroll: follows until the question meets the top, then holds; New text follows on",
    worker: { script: async (a) => (await a.take(), a.hold()) },
    steps: [
      ["enter"],
      ["say", "A long one, please"],
      ["attempt", "say", "The beginning.\n\n"],
      ["is", "a long answer", async (run) => {
        for (let i = 0; i < 40; i++) run.worker.last.say(`Paragraph ${i} of a long answer, which has enough words to fill a line or two of the column.\n\n`), await new Promise((r) => setTimeout(r, 20));
      }],
      ["there", "button", /New text/],
      ["is", "the question is at the top", async (run) => {
        const top = await run.page.getByText("A long one, please", { exact: true }).last().evaluate((el) => el.getBoundingClientRect().top - el.closest("[role=log]").getBoundingClientRect().top);
        return top >= -2 && top < 80;
      }, true],
      ["state", "chat-new-text"],
      ["press", /New text/],
      ["see", "Paragraph 39"],
      ["is", "the end is in sight", (run) => run.page.getByText("Paragraph 39").evaluate((el) => el.getBoundingClientRect().bottom < innerHeight), true],
      ["is", "the reader goes up", async (run) => {
        await run.page.mouse.move(700, 300);
        await run.page.mouse.wheel(0, -400);
        await run.page.waitForTimeout(200);
        run.mark = await run.page.getByText("Paragraph 30 ").evaluate((el) => el.getBoundingClientRect().top);
      }],
      ["attempt", "say", "More of it.\n\nAnd more.\n\n"],
      ["wait", 300],
      ["is", "and is not moved", async (run) => Math.abs((await run.page.getByText("Paragraph 30 ").evaluate((el) => el.getBoundingClientRect().top)) - run.mark) <= 1, true],
      ["attempt", "end"],
    ],
  },
  {
    name: "looks: text twice as large",
    page: { width: 640, height: 400 }, // what a window of 1280 × 800 is with everything twice as large
    steps: [["asked", "[markdown] [pace 0] Zoomed"], ["enter", { path: "/" }], ["say", "Hello"], ["see", "You said: Hello"], ["there", "button", "Send"], ["state", "chat-zoomed", { sizes: [[640, 400], [320, 256]] }]],
  },
  {
    name: "looks: reduced motion",
    page: { reduced: true },
    worker: held,
    steps: [["enter"], ["say", "Hello"], ["attempt", "say", "Calm"], ["see", "Calm"], ["is", "nothing moves", (run) => run.page.evaluate(() => document.getAnimations().filter((a) => a.effect.getComputedTiming().endTime > 1 && a.playState === "running").length), 0]],
  },
  {
    name: "looks: forced colours",
    page: { forced: true },
    steps: [["enter"], ["say", "[markdown] [pace 0] Hello"], ["spoken", "Answer complete"], ["there", "button", "Send"], ["state", "chat-forced-colours", { only: [1280] }]],
  },
  {
    name: "looks: dark is chosen, kept, and there from the first drawing",
    steps: [
      ["enter"],
      ["choose", "Theme", "Dark"],
      ["reload"],
      ["is", "the ground", (run) => run.page.evaluate(() => getComputedStyle(document.body).backgroundColor), "rgb(19, 21, 25)"],
      ["is", "the choice", (run) => run.page.getByRole("combobox", { name: "Theme" }).inputValue(), "dark"],
      ["is", "the ground before the page's own script", async (run) => {
        await run.context.route("**/chat.js", (route) => route.abort());
        await run.page.reload();
        const ground = await run.page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor + getComputedStyle(document.body).backgroundColor);
        await run.context.unrouteAll();
        return ground.includes("rgb(19, 21, 25)");
      }, true],
    ],
    errors: away,
  },
  {
    name: "looks: German",
    page: { locale: "de-DE" },
    worker: held,
    steps: [
      ["open", "/"],
      ["fill", "API Key", (run) => run.account.key],
      ["press", "Anmelden"],
      ["there", "button", "Neuer Chat"],
      ["is", "the language of the document", (run) => run.page.evaluate(() => document.documentElement.lang), "de"],
      ["state", "chat-german-empty", { few: true }],
      ["type", "Hallo"],
      ["keys", "Enter"],
      ["attempt", "say", "Guten Tag"],
      ["see", "Guten Tag"],
      ["there", "button", /Anhalten|Stopp/],
      ["state", "chat-german"],
    ],
  },
  {
    name: "looks: plain http by another name has no clipboard, and says so",
    stage: { listen: "0.0.0.0:0", flags: ["--public-url", "http://bridge.lan"] },
    page: { host: "bridge.lan" },
    steps: [
      ["enter"],
      ["is", "no clipboard", (run) => run.page.evaluate(() => navigator.clipboard === undefined && !isSecureContext && !navigator.locks), true],
      ["say", "Hello"],
      ["see", "You said: Hello"],
      ["press", "Copy answer"],
      ["see", /Copied|Selected/i],
      ["is", "without any way to copy", (run) => run.page.evaluate(() => void (document.execCommand = () => false))],
      ["press", /Copy answer|Copied/],
      ["see", /selected/i],
      ["state", "chat-plain-http", { only: [1280, 360] }],
    ],
  },
];
