// A person at the same browser.
const done = { status: "done", prompts: 1, response: "truth" };
const slowMount = { page: { mountAfter: 600 } };

export default [
  { name: "person: writes in a tab of their own", before: [["ownTab", "my own draft"]], expect: done, check: ownDraft("my own draft"), spoils: true },
  { name: "person: an old draft goes away in time", site: { page: { draft: "an old draft" } }, meanwhile: [[["heard", "typed"], ["wait", 1500], ["tell", { draft: "" }]]], expect: done, within: 40_000 },
  { name: "person: a draft that stays", site: { page: { draft: "an old draft" } }, ask: { timeout_seconds: 60 }, meanwhile: [[["ended"]]], expect: { status: "failed", codes: ["worker_error", "page_changed", "worker_lost"], prompts: 0 }, check: composerHolds("an old draft"), within: 100_000, spoils: true, slow: true },
  // What a person has mixed into our text is not touched and not sent: before the press it fails and says so, while it is being typed it waits until they have cleared it.
  { name: "person: types into our text before go", site: slowMount, meanwhile: [[["heard", "loading"], ["freeze"]], [["heard", "typed"], ["wait", 300], ["type", "xyz"], ["thaw"], ["wait", 1500], ["composer", /^[^]*xyz$/]]], expect: { status: "failed", code: "worker_error", prompts: 0 }, works: true, after: [["tell", { draft: "" }]], within: 60_000, spoils: true },
  { name: "person: types while it types", ask: { chars: 20_000 }, meanwhile: [[["heard", "typed"], ["type", "abc"], ["wait", 1500], ["tell", { draft: "" }]]], expect: done, within: 60_000, spoils: true },
  { name: "person: sends what we typed before go", site: slowMount, meanwhile: [[["heard", "loading"], ["freeze"]], [["heard", "typed"], ["wait", 300], ["clickTab", "#composer-submit-button"], ["wait", 200], ["thaw"]]], expect: { status: "failed", codes: ["worker_error", "worker_lost"], prompts: 1 }, within: 60_000, spoils: true },
];

function ownDraft(text) {
  return async (run, fault) => {
    const got = await run.lane.browser.on(run.own, (s) => s.evaluate(`location.pathname + " " + document.querySelector("#prompt-textarea").innerText`));
    if (got !== `/ ${text}`) fault(`the person's tab now has ${JSON.stringify(got)}`);
  };
}
function composerHolds(text) {
  return async (run, fault) => {
    const got = await run.lane.browser.on(await run.lane.tab(), (s) => s.evaluate(`document.querySelector("#prompt-textarea").innerText`));
    if (got !== text) fault(`the composer holds ${JSON.stringify(got)}`);
  };
}
