// The extension's own pages, its capacity, and its updates.
const done = { status: "done", prompts: 1, response: "truth" };
const slow = { reply: { every: 40 } };
const slower = { reply: { every: 150 } };

// The update and the go race: what had not pressed says so, or that it cannot know.
const notPressedOrDone = (prompts) => (prompts ? { ...done, live: false } : { status: "failed", codes: ["worker_error", "worker_lost"], prompts: 0 });

export default [
  { name: "capacity: three at once, in tabs of their own", site: slower, before: [["capacity", 3]], ask: [{}, {}, {}], expect: done, check: atOnce(3), fresh: true, spoils: true },
  { name: "capacity: three, but one chat at a time", site: slow, before: [["capacity", 3]], ask: [{}, { chat: "same" }, { chat: "same" }], expect: done, check: atOnce(1), fresh: true, spoils: true },
  { name: "capacity: three at once, the worker killed", site: slower, before: [["capacity", 3]], ask: [{}, {}, {}], meanwhile: [[["text", 40], ["killWorker"]]], expect: { ...done, live: false }, check: atOnce(3), fresh: true, spoils: true },
  { name: "first start: the options open by themselves", unpaired: true, before: [["opened", "options.html"]], ask: [], fresh: true, spoils: true },
  { name: "pairing: a line pasted into the options page", unpaired: true, before: [["popupSays", /set up|not paired/i], ["pair", "cb_wrong", /key/i], ["pair", "right", /connected|works|paired/i]], expect: done, fresh: true, spoils: true },
  { name: "doctor: in the popup, nothing is sent", ask: [{}], meanwhile: [[["ended"], ["doctor", /composer/, /turn/]]], expect: done },
  { name: "doctor: from the command line", ask: [{}], meanwhile: [[["ended"], ["doctorByServer", /composer/, /turn/]]], expect: done },
  { name: "extension updated: idle", before: [["reloadExtension"]], expect: done, within: 40_000 },
  { name: "extension updated: in the answer", site: slow, meanwhile: [[["text", 40], ["reloadExtension"]]], expect: { ...done, live: false }, within: 40_000 },
  { name: "extension updated: between ready and go", site: { page: { mountAfter: 600 } }, meanwhile: [[["heard", "loading"], ["freeze"]], [["heard", "typed"], ["wait", 300], ["reloadExtension"], ["thaw"]]], expect: notPressedOrDone, within: 40_000 },
];

// atOnce checks how many answers ran side by side.
function atOnce(n) {
  return (run, fault) => {
    const spans = run.lane.site.chats.prompts.map((p) => [p.run.firstTextAt, p.run.endedAt]);
    const most = Math.max(...spans.map(([at]) => spans.filter(([from, to]) => from <= at && at < to).length));
    if (most !== n) fault(`${most} answers ran at once, wanted ${n}`);
  };
}
