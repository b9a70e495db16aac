// Figures: node runner/measure.mjs [--rounds N] [--visible]. BINARY is the chatbridge;
// EXTENSION, if set, an unpacked build to use instead of the one in it. The tab is
// hidden, as it is in daily use, or in front of its window.
// Site, client and clock are of one process, so the times are exact.
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { certificate } from "../site/tls.mjs";
import { Lane } from "./lane.mjs";

const { values: flags } = parseArgs({ options: { rounds: { type: "string", default: "40" }, visible: { type: "boolean", default: false } } });
const sleep = (ms) => new Promise((r) => setTimeout(r, ms));
const at = (list, q) => list.toSorted((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * q))];
const line = (name, list) => console.log(`${name}: p50 ${at(list, 0.5).toFixed(1)} ms, p95 ${at(list, 0.95).toFixed(1)} ms (${list.length})`);

// tap counts what a worker sends on its way to the bridge.
async function tap(address) {
  const [host, port] = address.split(":");
  const t = { bytes: 0 };
  t.server = createServer((from) => {
    const to = connect(Number(port), host);
    from.on("data", (d) => (t.bytes += d.length));
    from.pipe(to).pipe(from);
    for (const s of [from, to]) s.on("error", () => (from.destroy(), to.destroy()));
  });
  await new Promise((r) => t.server.listen(0, "127.0.0.1", r));
  t.url = `http://127.0.0.1:${t.server.address().port}`;
  return t;
}

const root = await mkdtemp(join(tmpdir(), "chatpage-"));
const lane = await Lane.start({ binary: process.env.BINARY, root, certificate: certificate() });
const counter = await tap(lane.bridge.address);
try {
  lane.through = counter.url;
  await lane.fresh();

  const one = async (reply) => {
    lane.site.reset({ reply });
    const request = await lane.client.submit({ message: `what is it? ${Math.random()}` });
    const f = lane.client.follow(request);
    await f.done;
    const run = lane.site.chats.prompts[0]?.run;
    if (f.end.status !== "done") throw new Error(`not done: ${JSON.stringify(f.end)}`);
    const length = Array.from(f.end.response ?? f.text).length;
    const whole = f.deltas.find((d) => d.length >= length)?.at ?? f.endAt;
    return { last: whole - run.lastTextAt, end: f.endAt - run.endedAt, first: f.deltas[0]?.at - run.firstTextAt };
  };
  await one({});
  if (flags.visible) await lane.browser.front(await lane.tab());
  await lane.browser.wait("the tab's state", async () => (await one({}), lane.site.visible.at(-1) === (flags.visible ? "visible" : "hidden")));
  const times = [];
  for (let i = 0; i < Number(flags.rounds); i++) times.push(await one({ every: 12, piece: 12 }));
  line("last token on the page's wire → client's SSE", times.map((t) => t.last));
  line("first token → client's SSE", times.map((t) => t.first));
  line("end of the stream → end at the client", times.map((t) => t.end));

  const text = "A sentence of twenty-six, ".repeat(1000);
  const before = counter.bytes;
  await one({ text, piece: 12, every: 4 });
  console.log(`worker → bridge for an answer of ${text.length} bytes in ${Math.ceil(text.length / 12)} pieces: ${counter.bytes - before} bytes`);

  await sleep(5000);
  let pss = 0;
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const cmd = await readFile(`/proc/${pid}/cmdline`, "latin1").catch(() => "");
    if (!cmd.includes("--extension-process") || !cmd.includes(lane.profile)) continue;
    pss += Number((await readFile(`/proc/${pid}/smaps_rollup`, "utf8")).match(/^Pss:\s+(\d+)/m)[1]);
  }
  const heap = await lane.browser.on(lane.browser.worker(), (s) => s.send("Runtime.getHeapUsage"));
  console.log(`idle: the extension's process ${(pss / 1024).toFixed(1)} MiB (PSS), its service worker's heap ${(heap.usedSize / 1024 / 1024).toFixed(2)} MiB`);
} finally {
  await lane.stop();
  counter.server.close();
  await rm(root, { recursive: true, force: true, maxRetries: 5 });
}
