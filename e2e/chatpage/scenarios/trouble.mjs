// Trouble before the press: nothing is sent, and it goes on once it is over.
const slowness = 3; // a loaded machine; where nothing else runs, a second is enough
const later = { status: "done", prompts: 1, response: "truth" };
const over = (page, ...how) => [["idle"], ["set", { page }], ...how];

export default [
  { name: "trouble: logged out, then in again", site: { page: { login: "out" } }, meanwhile: [over({ login: "in" }, ["reloadTab"])], expect: later, check: putBack("logged_out") },
  { name: "trouble: a guest's composer", site: { page: { login: "guest" } }, meanwhile: [over({ login: "in" }, ["reloadTab"])], expect: later, check: putBack("logged_out") },
  { name: "trouble: sent to the log-in host", site: { page: { login: "redirect" } }, meanwhile: [over({ login: "in" }, ["navigateTab", "https://chatgpt.com/"])], expect: later, check: putBack("logged_out"), within: 40_000 },
  { name: "trouble: challenge", site: { page: { challenge: true } }, meanwhile: [over({ challenge: false }, ["reloadTab"])], expect: later, check: putBack("challenge"), within: 40_000 },
  { name: "trouble: too many requests, before anything", site: { page: { modal: "too_many" } }, meanwhile: [[["idle"], ["cancel"]]], expect: { status: "failed", code: "cancelled", prompts: 0 }, check: putBack("rate_limited"), spoils: true },
  { name: "trouble: suspicious activity", site: { page: { modal: "suspicious" } }, meanwhile: [[["idle"], ["cancel"]]], expect: { status: "failed", code: "cancelled", prompts: 0 }, spoils: true, within: 40_000 },
  { name: "trouble: the page is redesigned, then as it was", site: { page: { markup: "renamed" } }, meanwhile: [over({ markup: "section" }, ["reloadTab"])], expect: later, check: putBack("page_changed"), within: 60_000 },
  { name: "trouble: the page is redesigned for good", site: { page: { markup: "renamed" } }, meanwhile: [[["idle"], ["cancel"]]], expect: { status: "failed", code: "cancelled", prompts: 0 }, check: putBack("page_changed"), spoils: true, within: 60_000 },
  { name: "trouble: a dialog over the composer", site: { page: { modal: "promo" } }, meanwhile: [[["idle"], ["set", { page: { modal: "" } }], ["clickTab", "[role=dialog] button"]]], expect: later, check: putBack("page_changed"), within: 60_000 },
  { name: "trouble: a dialog while typing", site: { page: { modalOnTyping: true } }, ask: { chars: 20_000 }, meanwhile: [[["idle"], ["set", { page: { modalOnTyping: false } }], ["clickTab", "[role=dialog] button"]]], expect: later, within: 90_000 },
  { name: "trouble: the editor is put up anew once", site: { page: { remounts: 1 } }, ask: { chars: 30_000 }, expect: later },
  { name: "trouble: the editor is put up anew again and again", site: { page: { remounts: 1000 } }, meanwhile: [[["idle"], ["set", { page: { remounts: 0 } }], ["reloadTab"]]], expect: later, check: putBack("page_changed"), within: 60_000 },
  { name: "trouble: the button does nothing", site: { page: { swallow: true } }, expect: { status: "failed", codes: ["worker_lost", "incomplete_answer"], prompts: 0 }, works: true, after: [["set", { page: { swallow: false } }]], within: 60_000, worksWithin: 30_000 },

  // The redesign drill: the same extension, a new pack through the server.
  { name: "redesign: a signed pack heals it at once", site: { page: { markup: "renamed" } }, ownBuild: true, fresh: true, spoils: true, meanwhile: [[["idle"], ["publish", { signed: true }]]], expect: later, check: both(putBack("page_changed"), healed), works: true, within: 60_000 },
  { name: "redesign: an unsigned pack waits for one click", site: { page: { markup: "renamed" } }, fresh: true, spoils: true, meanwhile: [[["idle"], ["publish", { signed: false }], ["wait", 1500], ["nothingAsked"], ["consent"]]], expect: later, check: both(putBack("page_changed"), healed), works: true, within: 60_000 },
  { name: "redesign: a signed pack that comes before the first request", site: { page: { markup: "renamed" } }, ownBuild: true, fresh: true, spoils: true, before: [["publish", { signed: true }]], expect: later },
  { name: "redesign: by the document alone, after a signed pack", site: { page: { markup: "renamed", sealed: true, render: "timer" } }, ownBuild: true, fresh: true, spoils: true, before: [["publish", { signed: true }]], expect: { ...later, response: "rendered", source: "dom", live: false } },
];

// healed checks how soon the page was written into after the pack had come.
function healed(run, fault) {
  const typed = run.lane.site.heard.find((h) => h.what === "typed")?.at - run.published;
  run.outcome.push(`typing ${typed} ms after the pack`);
  if (!(typed < 1000 * slowness)) fault(`healed only after ${typed} ms`);
}
function both(...checks) {
  return async (run, fault) => {
    for (const c of checks) await c(run, fault);
  };
}

// putBack checks why the request was put back, from its stream.
function putBack(code) {
  return (run, fault) => {
    const reasons = run.asked[0].follower.events.filter((e) => e.type === "status" && e.status === "idle" && e.reason).map((e) => e.reason);
    if (!reasons.includes(code)) fault(`put back for ${JSON.stringify(reasons)}, wanted ${code}`);
  };
}
