// Runs the scenarios: node runner/main.mjs [--only REGEXP] [--each N] [--lanes N]
// [--slow] [--again] [--list] [--verbose] [--firefox]. --again plays a scenario that
// fails once more, on a busy machine, unless the site was sent too many prompts. --each takes the first N of each kind
// (what stands before the colon of a name). BINARY is the chatbridge to test; EXTENSION,
// if set, an unpacked build to use instead of the one in it. With JSON=1 each
// outcome is a line of JSON. --firefox runs those that Firefox's driver can play.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { certificate } from "../site/tls.mjs";
import { Lane } from "./lane.mjs";
import { build } from "./packs.mjs";
import { runScenario } from "./scenario.mjs";
import { scenarios } from "../scenarios/all.mjs";

const { values: flags } = parseArgs({ options: { only: { type: "string", default: "" }, each: { type: "string", default: "0" }, lanes: { type: "string", default: "1" }, list: { type: "boolean", default: false }, verbose: { type: "boolean", default: false }, firefox: { type: "boolean", default: false }, slow: { type: "boolean", default: false }, again: { type: "boolean", default: false } } });
const only = new RegExp(flags.only);
const each = Number(flags.each) || Infinity;
const ofKind = new Map();
const chosen = scenarios
  .map((s, number) => ({ ...s, number }))
  .filter((s) => only.test(s.name) && (!s.slow || flags.slow) && (!flags.firefox || s.firefox))
  .filter((s) => {
    const kind = s.name.split(":")[0];
    ofKind.set(kind, (ofKind.get(kind) ?? 0) + 1);
    return ofKind.get(kind) <= each;
  });
if (flags.list) {
  for (const s of chosen) console.log(s.name);
  process.exit(0);
}

const binary = process.env.BINARY;
if (!binary) throw new Error("BINARY names the chatbridge to test");
const root = await mkdtemp(join(tmpdir(), "chatpage-"));
const shared = certificate();
// The ones that take long or need a browser of their own come last in a lane, so that few browsers are started.
const queue = [...chosen].sort((a, b) => Number(!!a.fresh || !!a.spoils) - Number(!!b.fresh || !!b.spoils));
const results = [];

async function work() {
  const lane = await Lane.start({ binary, root, certificate: shared, firefox: flags.firefox });
  let clean = false;
  try {
    for (let s = queue.shift(); s; s = queue.shift()) {
      let result;
      try {
        if (s.blank) await lane.blank();
        else if (!clean || s.fresh) await lane.fresh({ paired: !s.unpaired, ...(s.ownBuild && { build: join(await build(root), flags.firefox ? "firefox" : "chrome") }) });
        result = await runScenario(lane, s, s.number);
      } catch (err) {
        result = { name: s.name, ok: false, faults: [String(err.stack ?? err)], ms: 0, outcome: [] };
      }
      clean = result.ok && !s.spoils;
      if (!result.ok && flags.again && !s.second && !result.faults.some((f) => f.includes("SENT TWICE"))) {
        console.error(`played again: ${result.name}: ${result.faults.join("; ")}`);
        queue.push({ ...s, second: true });
        continue;
      }
      results.push(result);
      tell(result);
      if (flags.verbose && !result.ok) console.log(lane.bridge.log.split("\n").slice(-12).join("\n"));
    }
  } finally {
    await lane.stop();
  }
}

function tell(r) {
  if (process.env.JSON) return console.log(JSON.stringify(r));
  console.log(`${r.ok ? "ok  " : "FAIL"} ${String(r.ms).padStart(6)} ms  ${r.name.padEnd(52)} ${r.outcome.join(" | ")}`);
  for (const f of r.faults) console.log(`        ${f.replaceAll("\n", "\n        ")}`);
}

const began = Date.now();
await Promise.all(Array.from({ length: Number(flags.lanes) }, work));
await rm(root, { recursive: true, force: true, maxRetries: 5 });
const failed = results.filter((r) => !r.ok).length;
if (!process.env.JSON) console.log(`${results.length - failed} passed, ${failed} failed in ${((Date.now() - began) / 1000).toFixed(1)} s`);
process.exit(failed ? 1 : 0);
