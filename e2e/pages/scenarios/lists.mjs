// The panel's lists: requests, deliveries, workers, audit; filters, drawers, selection, replays.
import { multiply } from "../stage/fill.mjs";

const loads = [/Failed to load resource/, /net::ERR/];
const rows = (run) => run.page.getByRole("row");
const failed = "/admin/requests/?status=failed";

export default [
  {
    name: "requests: filters and the open row are in the address; Back closes; a reload restores",
    stage: "filled",
    steps: [
      ["enterPanel", "/admin/requests/"],
      ["state", "panel-requests"],
      ["choose", "Status", "Failed"],
      ["url", "status=failed"],
      ["see", "challenge"],
      ["press", /Why does challenge/, "row"],
      ["url", /open=[0-9a-f-]{36}/],
      ["see", "What happened"],
      ["see", "The worker may send it"],
      ["see", "prove that a human is there"],
      ["state", "panel-request"],
      ["reload"],
      ["see", "What happened"],
      ["back"],
      ["gone", "What happened"],
      ["url", "status=failed"],
      ["forward"],
      ["see", "What happened"],
      ["keys", "Escape"],
      ["gone", "What happened"],
      ["open", failed],
      ["see", "challenge"],
    ],
  },
  {
    name: "requests: by keys alone: rows, Enter, Esc comes back to the row, Space selects",
    stage: "filled",
    steps: [
      ["enterPanel", failed],
      ["see", "challenge"],
      ["tabTo", /A failure that is owed/],
      ["keys", "ArrowDown", "ArrowDown"],
      ["is", "the row", async (run) => void (run.row = await run.page.evaluate(() => document.activeElement.closest("[role=row], tr").innerText))],
      ["keys", "Enter"],
      ["see", "What happened"],
      ["keys", "Escape"],
      ["gone", "What happened"],
      ["until", "the focus is on the row again", (run) => run.page.evaluate(() => document.activeElement.closest("[role=row], tr")?.innerText).then((t) => t === run.row)],
      ["keys", "Space"],
      ["see", "1 selected"],
      ["keys", "ArrowDown", "Space"],
      ["see", "2 selected"],
      ["see", "New rows and changes wait meanwhile."],
      ["state", "panel-requests-selected"],
      ["press", "Clear the selection"],
      ["gone", "selected"],
    ],
  },
  {
    name: "requests: more than a page, in a window of few rows",
    stage: "filled",
    steps: [
      ["enterPanel", "/admin/requests/"],
      ["until", "rows", async (run) => (await rows(run).count()) > 20],
      ["is", "to the end", async (run) => {
        for (let i = 0; i < 60; i++) {
          await run.page.mouse.move(700, 500);
          await run.page.mouse.wheel(0, 3000);
          await run.page.waitForTimeout(60);
          const more = run.page.getByRole("button", { name: "Load more" });
          if (await more.isVisible()) await more.click().catch(() => {});
          if (await run.page.getByText(/^\d+ rows$/).isVisible() && (await run.page.evaluate(() => scrollY + innerHeight >= document.documentElement.scrollHeight - 1))) return;
        }
        throw new Error("the end did not come");
      }],
      ["is", "few rows are in the document", async (run) => (await rows(run).count()) <= 80, true],
      ["is", "the table says how many there are", async (run) => Number(await run.page.locator("[aria-rowcount]").first().getAttribute("aria-rowcount")) > 230, true],
      ["state", "panel-requests-end"],
    ],
  },
  {
    name: "requests: search, nothing matches, clear",
    stage: "filled",
    steps: [
      ["enterPanel", "/admin/requests/"],
      ["choose", "Time", "Last 24 hours"],
      ["url", /(24h|from=)/],
      ["fill", "Search", "fennel 15"],
      ["keys", "Enter"],
      ["see", "fennel 15"],
      ["url", /q=fennel/],
      ["fill", "Search", "no such words"],
      ["keys", "Enter"],
      ["see", "Nothing matches."],
      ["state", "panel-requests-nothing"],
      ["press", "Clear filters"],
      ["gone", "Nothing matches."],
    ],
  },
  {
    name: "requests: what changes below the first page, or was pushed out of it, changes where it is",
    stage: { worker: false },
    steps: [
      ["is", "so many wait", async (run) => {
        run.waits = [];
        for (let i = 0; i < 150; i++) run.waits.unshift(await run.account.submit(`Number ${i + 1} waits`));
      }],
      ["enterPanel", "/admin/requests/?status=idle"],
      ["see", "Number 150 waits"],
      ["is", "to row 90", (run) => run.page.evaluate(() => scrollTo(0, 90 * 36))],
      ["see", "Number 60 waits"],
      ["see", /^150 rows$/m],
      ["is", "new ones push it down", async (run) => {
        for (let i = 0; i < 60; i++) await run.account.submit("A new one");
      }],
      ["see", "60 new"],
      ["is", "where it stands", async (run) => void (run.top = await run.page.evaluate(() => scrollY))],
      ["is", "two end: one of the first page as it was, one of the second", async (run) => {
        for (const i of [92, 101]) await run.account.cancel(run.waits[i].id);
      }],
      ["until", "both are marked", (run) => run.page.evaluate(() => [...document.querySelectorAll("tr.gone")].map((row) => row.innerText.match(/Number \d+/)?.[0]).join() === "Number 58,Number 49")],
      ["see", "2 rows no longer match"],
      ["is", "nothing has moved", async (run) => (await run.page.evaluate(() => scrollY)) === run.top, true],
      ["open", "/admin/requests/"],
      ["see", "A new one"],
      ["is", "far down", (run) => run.page.evaluate(() => scrollTo(0, 140 * 36))],
      ["see", "Number 75 waits"],
      ["is", "it ends", (run) => run.account.cancel(run.waits[75].id)],
      ["until", "it says so", (run) => run.page.evaluate(() => [...document.querySelectorAll("tbody tr")].some((row) => /Failed/.test(row.innerText) && /Number 75 waits/.test(row.innerText)))],
    ],
  },
  {
    name: "requests: new rows wait behind a button; one in the making changes in place; Cancel",
    stage: {},
    steps: [
      ["asked", "An old one"],
      ["enterPanel", "/admin/requests/"],
      ["see", "An old one"],
      ["ask", "[hold] A new one"],
      ["see", /1 new/],
      ["never", "A new one"],
      ["state", "panel-requests-new", { few: true }],
      ["press", /1 new/],
      ["see", "A new one"],
      ["see", "Executing"],
      ["press", /A new one/, "row"],
      ["see", "What happened"],
      ["state", "panel-request-executing"],
      ["press", "Cancel"],
      ["see", "It ends as failed"],
      ["within", "dialog", null, ["press", "Cancel the request"]],
      ["see", /Request cancelled|cancelled/],
    ],
  },
  {
    name: "requests: narrow, filters in a sheet, the drawer covers",
    stage: "filled",
    page: { width: 360, height: 740 },
    steps: [
      ["enterPanel", "/admin/requests/"],
      ["press", /^Filters/],
      ["there", "dialog", null],
      ["state", "panel-filters-sheet", { only: [360] }],
      ["choose", "Status", "Failed"],
      ["press", "Show the list"],
      ["see", "challenge"],
      ["press", /Why does challenge/, "row"],
      ["there", "dialog", null],
      ["see", "What happened"],
      ["state", "panel-request-covering", { only: [360, 768] }],
      ["keys", "Escape"],
      ["gone", "What happened"],
    ],
  },
  {
    name: "requests: could not be loaded, try again",
    stage: "filled",
    errors: loads,
    steps: [["enterPanel", "/admin/settings/"], ["is", "the list fails", (run) => run.context.route("**/api/admin/requests/**", (route) => route.fulfill({ status: 500, contentType: "application/problem+json", body: '{"status":500,"code":"internal","detail":"Something went wrong here. Look at the server\'s log."}' }))], ["press", "Requests"], ["see", "The requests could not be loaded."], ["state", "panel-could-not-load"], ["unblock"], ["maybe", "press", "Try again"], ["gone", "could not be loaded"]],
  },
  {
    name: "deliveries: tries with headers and body, replay of one, an endpoint that is off",
    stage: {},
    steps: [
      ["is", "endpoints", async (run) => {
        for (const name of ["ok", "fail", "gone", "dead"]) await run.server.admin("POST", `accounts/${run.account.id}/endpoints/`, { url: run.sinks.to(name), ...(name === "ok" && { headers: { "X-Team": "support" } }) });
      }],
      ["asked", "Owed to all"],
      ["until", "tried", async (run) => (await run.server.admin("GET", "deliveries/?limit=50")).every((d) => d.tried > 0)],
      ["enterPanel", "/admin/deliveries/"],
      ["see", "Failing"],
      ["see", "Dead"],
      ["see", "Delivered"],
      ["state", "panel-deliveries"],
      ["press", /\/fail/, "row"],
      ["see", /Next try in/],
      ["see", "Try 1"],
      ["see", "This receiver answers 500, as it was asked to."],
      ["see", "webhook-id"],
      ["state", "panel-delivery-failing"],
      ["is", "it is mended", (run) => void (run.sinks.behaviour.fail = 200)],
      ["press", "Replay"],
      ["see", /Delivered at/],
      ["keys", "Escape"],
      ["press", /\/gone/, "row"],
      ["see", "The endpoint was switched off."],
      ["state", "panel-delivery-off"],
      ["press", "Switch on"],
      ["gone", "The endpoint was switched off."],
      ["keys", "Escape"],
      ["press", /\/ok/, "row"],
      ["see", "••••"],
      ["never", "support"],
    ],
  },
  {
    name: "deliveries: replay all that match: counted first, with progress, stopped",
    stage: { flags: [] },
    within: 120_000,
    steps: [
      ["is", "many that are dead", async (run) => {
        const { endpoint } = await run.server.admin("POST", `accounts/${run.account.id}/endpoints/`, { url: run.sinks.to("slow"), rate_limit: 60 });
        run.endpoint = endpoint.id;
        run.sinks.slow = 300;
        run.sinks.behaviour.slow = 410;
        for (let i = 0; i < 40; i++) await run.account.ask(`Message ${i}`);
      }],
      ["until", "dead", async (run) => (await run.server.admin("GET", `deliveries/?endpoint=${run.endpoint}&status=dead&limit=1`)).length > 0],
      ["is", "on again, and well", async (run) => {
        run.sinks.behaviour.slow = 200;
        await run.server.admin("PATCH", `accounts/${run.account.id}/endpoints/${run.endpoint}/`, { enabled: true });
      }],
      ["enterPanel", "/admin/deliveries/?status=delivered"],
      ["see", "Delivered"],
      ["press", "Replay all matching"],
      ["see", /Send \d+ deliveries again\?/],
      ["state", "panel-replay-all"],
      ["within", "dialog", null, ["press", /^Replay all \d+/]],
      ["see", /(Sending again: \d+ of \d+|were sent again)/],
      ["state", "panel-replaying", { only: [1280] }],
      ["see", /\d+ deliver(y was|ies were) sent again/, 30_000],
      ["press", "Put away"],
      ["gone", "sent again."],
    ],
  },
  {
    name: "deliveries: a replay of very many goes on by itself, shows how far it is, and is stopped",
    slow: true,
    stage: {},
    within: 180_000,
    errors: loads,
    steps: [
      ["is", "fifty thousand that are dead", async ({ server, account, sinks }) => {
        const { endpoint } = await server.admin("POST", `accounts/${account.id}/endpoints/`, { url: sinks.to("ok"), rate_limit: 60 });
        const request = await account.ask("One of very many");
        await server.kill();
        await multiply(server, request, endpoint.id, 50_000);
        await server.again();
      }],
      ["enterPanel", "/admin/deliveries/?status=dead"],
      ["see", "Dead"],
      ["press", "Replay all matching"],
      ["see", "Send 50,000 deliveries again?"],
      ["within", "dialog", null, ["press", "Replay all 50,000"]],
      ["see", /Sending again: [\d,]+ of 50,000/],
      ["press", "Stop"],
      ["see", /Stopped after [\d,]+ of 50,000/],
      ["state", "panel-replay-stopped", { few: true }],
      ["reload"],
      ["see", "Dead"],
    ],
  },
  {
    name: "workers: connected, what it holds, paused, doctor, pairing",
    stage: {},
    errors: loads,
    steps: [
      ["ask", "[hold] Busy"],
      ["enterPanel", "/admin/workers/"],
      ["see", "Stage"],
      ["see", "Connected"],
      ["see", "1 of 4"],
      ["state", "panel-workers"],
      ["press", /Stage/, "row"],
      ["see", "Logged in"],
      ["press", "Ask the doctor"],
      ["see", "model"],
      ["see", /Missing although always wanted: model/],
      ["state", "panel-worker-doctor"],
      ["worker", "pause", 185],
      ["see", /The site limits this account until/],
      ["state", "panel-worker-paused"],
      ["worker", "resume"],
      ["gone", "The site limits this account"],
      ["worker", "report", { logged_in: false }],
      ["see", "It is logged out at the site"],
      ["worker", "disconnect"],
      ["see", /Away/],
      ["state", "panel-worker-away"],
      ["keys", "Escape"],
      ["press", "Pair a browser"],
      ["choose", "GPT Account", "user1@example.com"],
      ["press", "Make the line"],
      ["see", /http:\/\/localhost:\d+ cb_/],
      ["state", "panel-pair"],
      ["download", /Download for Chrome/, /\.zip$/],
      ["download", /Download for Firefox/, /\.zip$/],
    ],
  },
  {
    name: "workers: none yet",
    stage: { worker: false },
    steps: [["enterPanel", "/admin/workers/"], ["see", "No browser was ever connected"], ["state", "panel-workers-none"]],
  },
  {
    name: "workers: a doctor that gets no answer says so",
    stage: {},
    slow: true,
    errors: loads,
    steps: [["is", "silent", (run) => void (run.worker.doctorSilent = true)], ["enterPanel", "/admin/workers/"], ["press", /Stage/, "row"], ["press", "Ask the doctor"], ["see", /Asking the worker, 0:0\d of 0:20/], ["state", "panel-worker-doctor-asking", { only: [1280] }], ["see", /did not answer|no answer/i, 30_000], ["state", "panel-worker-doctor-silent", { few: true }]],
  },
  {
    name: "audit: who did what; filters in the address; an entry in words",
    stage: "filled",
    steps: [
      ["enterPanel", "/admin/audit/"],
      ["see", "Endpoint created"],
      ["see", "Token stage"],
      ["state", "panel-audit"],
      ["choose", "Action", "Endpoint switched off"],
      ["url", "action=endpoint.switched_off"],
      ["see", "chatbridge itself"],
      ["press", /Endpoint switched off/, "row"],
      ["see", /410/],
      ["state", "panel-audit-entry"],
    ],
  },
  {
    name: "overview: figures, failures that lead to their list, endpoints that are not well",
    stage: "filled",
    steps: [
      ["enterPanel", "/admin/"],
      ["see", "Answers an hour"],
      ["see", "Failures by code"],
      ["see", "Endpoints that are not well"],
      ["state", "panel-overview-filled"],
      ["press", /challenge/, "link"],
      ["url", /requests\/\?.*code=challenge/],
      ["see", "Why does challenge"],
    ],
  },
  {
    name: "panel: German",
    stage: "filled",
    page: { locale: "de-DE" },
    steps: [["open", "/admin/requests/"], ["fill", "Passwort", "correct horse battery"], ["press", "Anmelden"], ["there", "link", "Anfragen"], ["state", "panel-german-requests"], ["open", "/admin/"], ["state", "panel-german-overview"], ["open", "/admin/deliveries/"], ["wait", 500], ["state", "panel-german-deliveries", { few: true }]],
  },
  {
    name: "panel: text twice as large, and a narrow window at 400 %",
    stage: "filled",
    page: { width: 640, height: 400 },
    steps: [["enterPanel", "/admin/requests/"], ["see", "fennel"], ["state", "panel-zoomed", { sizes: [[640, 400], [320, 256]] }]],
  },
  {
    name: "panel: forced colours",
    stage: "filled",
    page: { forced: true },
    steps: [["enterPanel", "/admin/requests/"], ["see", "fennel"], ["state", "panel-forced-colours", { only: [1280] }]],
  },
  {
    name: "panel: the menu where the window is narrow",
    stage: "filled",
    page: { width: 360, height: 740 },
    steps: [["enterPanel", "/admin/requests/"], ["press", "Menu"], ["there", "link", "Deliveries"], ["state", "panel-menu", { only: [360] }], ["press", "Deliveries"], ["title", "Deliveries"], ["see", "/fail"], ["none", "link", "Settings"]],
  },
  {
    name: "panel: touch",
    stage: "filled",
    page: { touch: true, width: 360, height: 740 },
    steps: [["enterPanel", "/admin/requests/"], ["see", "fennel"], ["state", "panel-touch", { only: [360, 768] }]],
  },
];
