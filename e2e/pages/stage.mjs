// A stage for the pages: the real server, an account, a worker whose answers the messages decide, webhook receivers.
//
// As a command it prints where everything is and runs until Ctrl-C (or SIGTERM), and then removes its folder:
//
//   node e2e/pages/stage.mjs                                   builds the server from the tree; an account, a worker
//   node e2e/pages/stage.mjs --binary /tmp/me/cb               a binary of your own (or BINARY)
//   node e2e/pages/stage.mjs --chats 500 --turns 3             with so many chats
//   node e2e/pages/stage.mjs --fill                            requests of every status and code, endpoints, deliveries
//   node e2e/pages/stage.mjs --fresh                           an empty folder without a password: prints the set-up link
//   node e2e/pages/stage.mjs --no-worker                       nobody answers
//   node e2e/pages/stage.mjs --listen 0.0.0.0:0                also by other names (http://MACHINE:PORT, no localhost)
//   node e2e/pages/stage.mjs --json                            the first line is JSON: {url, key, password, email, token, control}
//
// What a message makes the worker do is in stage/script.mjs: "[markdown]", "[words 400] [pace 40]", "[fail rate_limited 90]",
// "[hold typing]", "[correct]", "[long 500]" … Without any it says the message back.
//
// While it runs it does what `curl CONTROL/do/…` asks: do/pause/185 (the site limits for so many seconds), do/resume,
// do/logout (not logged in), do/worker/off, do/worker/on, do/kill, do/start, do/restart, do/revoke (the key), do/key (a fresh one),
// do/chats/100, do/ask/TEXT, do/codes, do/deliveries, do/sink/fail/200 (how a receiver answers), do/doctor/silent.
//
// As a module: `const stage = await open({binary}); … await stage.close();`
import { parseArgs } from "node:util";
import * as fill from "./stage/fill.mjs";
import { Server } from "./stage/server.mjs";
import { Sinks } from "./stage/sinks.mjs";
import { Worker } from "./stage/worker.mjs";

/**
 * open starts all of it. binary: the server's, built from the tree where there is none; password: null for none;
 * account: false for no account; worker: false for no worker; flags, listen: the server's.
 * Returns {server, account, worker, sinks, close}.
 */
export async function open({ binary = process.env.BINARY, password, listen, flags, account = true, worker = true } = {}) {
  const server = await Server.start({ binary, password, listen, flags });
  const stage = { server, sinks: await Sinks.open(), account: null, worker: null, workers: [] };
  stage.join = async (options, of = stage.account) => {
    const w = await Worker.join(of, options);
    stage.workers.push(w);
    return w;
  };
  stage.close = async () => {
    for (const w of stage.workers) w.disconnect();
    stage.sinks.close();
    await server.stop();
  };
  try {
    if (account) stage.account = await server.account({ webhookURL: `${server.url}/api/webhooks/chatgpt/` });
    if (account && worker) {
      stage.worker = await stage.join();
      stage.worker.report();
    }
    return stage;
  } catch (err) {
    await stage.close();
    throw err;
  }
}

/** What a person may ask of a stage that runs. */
function actions(stage) {
  const { server, account, worker, sinks } = stage;
  return {
    pause: (seconds = "185") => worker.pause(Number(seconds)),
    resume: () => worker.resume(),
    logout: () => worker.report({ logged_in: false }),
    worker: async (how) => (how === "off" ? worker.disconnect() : void (await worker.connect())),
    kill: () => server.kill(),
    start: () => server.again(),
    restart: async () => (await server.kill(), await server.again()),
    revoke: () => account.revoke(),
    key: () => account.freshKey(),
    chats: (n = "100", turns = "1") => fill.chats(account, Number(n), Number(turns)),
    ask: async (...text) => JSON.stringify(await account.submit(text.join("/"))),
    codes: async () => Object.entries(await fill.everyCode(stage)).map(([code, r]) => `${code}: ${r.id}`).join("\n"),
    deliveries: () => fill.deliveries(stage),
    sink: (name, status) => void (sinks.behaviour[name] = Number(status)),
    doctor: (how) => void (worker.doctorSilent = how === "silent"),
  };
}

async function main() {
  const { values: v } = parseArgs({
    options: { binary: { type: "string" }, listen: { type: "string" }, chats: { type: "string", default: "0" }, turns: { type: "string", default: "1" }, fill: { type: "boolean" }, fresh: { type: "boolean" }, "no-worker": { type: "boolean" }, json: { type: "boolean" } },
  });
  const stage = await open({ ...(v.binary && { binary: v.binary }), listen: v.listen, account: !v.fresh, worker: !v["no-worker"], ...(v.fresh && { password: null }) });
  const { server, account, sinks } = stage;
  const ended = new Promise((end) => ["SIGINT", "SIGTERM", "SIGHUP"].forEach((s) => process.on(s, end)));
  sinks.actions = account ? actions(stage) : {};
  if (Number(v.chats)) await fill.chats(account, Number(v.chats), Number(v.turns));
  if (v.fill) {
    await fill.everyCode(stage);
    await fill.deliveries(stage);
  }
  const facts = { url: server.url, ...(account ? { email: account.email, key: account.key, token: (await server.admin("GET", "session/"), server.token), password: server.password } : { setup: await server.setupLink() }), control: sinks.url, sinks: Object.fromEntries([...Object.keys(sinks.behaviour), "dead"].map((name) => [name, sinks.to(name)])), data: server.data };
  if (v.json) console.log(JSON.stringify(facts));
  else {
    console.log(`chat      ${server.url}/\npanel     ${server.url}/admin/`);
    if (account) console.log(`key       ${account.key}\npassword  ${server.password}\ntoken     ${facts.token}`);
    else console.log(`set-up    ${facts.setup}`);
    console.log(`control   curl ${sinks.url}/do/ACTION (see the head of stage.mjs)\nreceivers ${Object.values(facts.sinks).join(" ")}\ndata      ${server.data}\nCtrl-C stops all of it.`);
  }
  await ended;
  await stage.close();
}

if (import.meta.main ?? process.argv[1] === import.meta.filename) {
  await main();
  process.exit(0);
}
