// Plays the scenarios: node runner/main.mjs [--only REGEXP] [--each N] [--lanes N] [--whole] [--slow] [--again] [--list]
// [--shots FOLDER] [--firefox]. --each takes the first N of each kind (what stands before the colon of a name); --whole looks
// with axe in every width and scheme, not in two; --shots writes a picture of each state in each of them; --slow plays those
// too that take long; --again plays one that fails once more, on a busy machine; --firefox plays those of Firefox.
// BINARY is the chatbridge to test (without it the tree's is built). With JSON=1 each outcome is a line of JSON, with TRACE=1
// each step is told; FAILED names a folder for a picture of where a scenario failed.
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build } from "../stage/server.mjs";
import { scenarios } from "../scenarios/all.mjs";
import { scenarios as ofFirefox } from "../scenarios/firefox.mjs";
import { Lane } from "./lane.mjs";
import { runScenario } from "./scenario.mjs";

const text = (usual) => ({ type: "string", default: usual });
const yes = { type: "boolean", default: false };
const { values: flags } = parseArgs({ options: { only: text(""), each: text("0"), lanes: text("1"), shots: text(""), whole: yes, slow: yes, again: yes, list: yes, firefox: yes } });
const only = new RegExp(flags.only);
const each = Number(flags.each) || Infinity;
const ofKind = new Map();
const chosen = (flags.firefox ? ofFirefox : scenarios)
  .filter((s) => only.test(s.name) && (!s.slow || flags.slow))
  .filter((s) => {
    const kind = s.name.split(":")[0];
    ofKind.set(kind, (ofKind.get(kind) ?? 0) + 1);
    return ofKind.get(kind) <= each;
  });
if (flags.list) {
  for (const s of chosen) console.log(s.name);
  process.exit(0);
}
if (flags.shots) await mkdir(flags.shots, { recursive: true });

const folder = await mkdtemp(join(tmpdir(), "pages-run-"));
const binary = process.env.BINARY ?? (await build(folder));
const results = [];
const queue = [...chosen].sort((a, b) => lane(a) - lane(b)); // those on the filled server come together, so that one lane fills one
function lane(s) {
  return s.stage === "filled" ? 0 : 1;
}
let filled = null; // the lane that has the filled server

async function work() {
  const own = await Lane.start({ binary, firefox: flags.firefox });
  try {
    for (;;) {
      const i = queue.findIndex((s) => s.stage !== "filled" || filled === null || filled === own);
      if (i < 0) break;
      const [s] = queue.splice(i, 1);
      if (s.stage === "filled") filled = own;
      let result = await runScenario(own, s, flags);
      if (!result.ok && flags.again) {
        console.error(`played again: ${s.name}: ${result.faults.join("; ")}`);
        result = await runScenario(own, s, flags);
      }
      results.push(result);
      tell(result);
    }
  } finally {
    await own.stop();
  }
}

function tell(r) {
  if (process.env.JSON) return console.log(JSON.stringify(r));
  console.log(`${r.ok ? "ok  " : "FAIL"} ${String(r.ms).padStart(6)} ms  ${r.name.padEnd(52)} ${r.outcome.join(", ")}`);
  for (const f of r.faults) console.log(`        ${f.replaceAll("\n", "\n        ")}`);
}

const began = Date.now();
await Promise.all(Array.from({ length: Number(flags.lanes) }, work));
await rm(folder, { recursive: true, force: true });
const failed = results.filter((r) => !r.ok).length;
if (!process.env.JSON) console.log(`${results.length - failed} passed, ${failed} failed in ${((Date.now() - began) / 1000).toFixed(1)} s`);
process.exit(failed ? 1 : 0);
