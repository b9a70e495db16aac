// The real chatbridge: one server process, its accounts, requests and streams.
import { execFile, spawn } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);
const sleep = (ms) => new Promise((r) => setTimeout(r, ms));

export class Bridge {
  static async start({ binary, data }) {
    const b = new Bridge();
    Object.assign(b, { binary, data, address: "localhost:0", log: "", accounts: 0 });
    await b.#run();
    return b;
  }

  async #run() {
    for (let tries = 0; ; tries++) {
      this.process = spawn(this.binary, ["serve", "--listen", this.address, "--data", this.data], { stdio: ["ignore", "pipe", "pipe"] });
      this.gone = new Promise((r) => this.process.on("exit", r));
      this.printed = ""; // since its start
      this.process.stderr.on("data", (d) => (this.log = (this.log + d).slice(-200_000)));
      const listening = await Promise.race([
        new Promise((r) => this.process.stdout.on("data", (d) => {
          this.printed += d;
          const m = this.printed.match(/listens on http:\/\/(\S+)/);
          if (m) r(m[1]);
        })),
        this.gone.then(() => null),
      ]);
      if (listening) {
        this.address = listening;
        return;
      }
      if (tries > 20) throw new Error(`serve ended at its start:\n${this.log}`);
      await sleep(100); // its port may still be taken by a passing connection
    }
  }

  get url() {
    return `http://${this.address}`;
  }
  async kill() {
    this.process.kill("SIGKILL");
    await this.gone;
  }
  async restart(after = 0) {
    await this.kill();
    if (after) await sleep(after);
    await this.#run();
  }
  freeze() {
    this.process.kill("SIGSTOP");
  }
  thaw() {
    this.process.kill("SIGCONT");
  }
  async stop() {
    this.process.kill("SIGCONT");
    this.process.kill("SIGTERM");
    const late = setTimeout(() => this.process.kill("SIGKILL"), 12_000);
    await this.gone;
    clearTimeout(late);
  }

  async cli(...args) {
    const { stdout } = await run(this.binary, args, { env: { ...process.env, CHATBRIDGE_DATA: this.data } });
    return stdout;
  }
  // admin calls the admin API.
  async admin(method, path) {
    this.token ??= JSON.parse(await this.cli("admin", "token", "create", "runner", "--json")).token;
    const r = await fetch(this.url + path, { method, headers: { authorization: `Bearer ${this.token}` } });
    if (!r.ok) throw new Error(`${method} ${path}: ${r.status}`);
    return r.json();
  }
  async account() {
    const made = JSON.parse(await this.cli("account", "create", `user${++this.accounts}@example.com`, "--json"));
    return new Client(this, made.key);
  }
}

// Client speaks for one account.
export class Client {
  constructor(bridge, key) {
    Object.assign(this, { bridge, key });
  }
  async call(method, path, body) {
    const r = await fetch(this.bridge.url + path, { method, headers: { "x-api-key": this.key, "content-type": "application/json" }, body: body && JSON.stringify(body), signal: AbortSignal.timeout(20_000) });
    const value = await r.json().catch(() => null);
    if (!r.ok) throw new Error(`${method} ${path}: ${r.status} ${JSON.stringify(value)}`);
    return value;
  }
  submit(fields) {
    return this.call("POST", "/api/chat/submit/", fields);
  }
  get(id) {
    return this.call("GET", `/api/chat/requests/${id}/`);
  }
  cancel(id) {
    return this.call("POST", `/api/chat/requests/${id}/cancel/`);
  }
  follow(request) {
    return new Follower(this.bridge, request);
  }
}

// Follower reads one request's stream to its end, over restarts of the server.
export class Follower {
  constructor(bridge, request) {
    Object.assign(this, { bridge, request, events: [], text: "", end: null, deltas: [], faults: [], bytes: 0 });
    this.done = this.#read();
  }
  async #read() {
    let last = "";
    let points = [];
    while (!this.end && !this.left) {
      this.abort = new AbortController();
      try {
        const r = await fetch(this.bridge.url + this.request.stream_url, { headers: last ? { "last-event-id": last } : {}, signal: this.abort.signal });
        let rest = "";
        for await (const piece of r.body.pipeThrough(new TextDecoderStream())) {
          this.bytes += piece.length;
          const blocks = (rest + piece).split("\n\n");
          rest = blocks.pop();
          for (const block of blocks) {
            let data = null;
            for (const line of block.split("\n")) {
              if (line.startsWith("id: ")) last = line.slice(4);
              else if (line.startsWith("data: ")) data = JSON.parse(line.slice(6));
            }
            if (!data) continue;
            this.events.push({ ...data, at: Date.now() });
            if (data.type === "delta") {
              if (data.offset > points.length) this.faults.push(`a delta at ${data.offset} of a text of ${points.length}`);
              points.splice(data.offset, points.length, ...Array.from(data.text));
              this.text = points.join("");
              this.deltas.push({ at: performance.now(), length: points.length });
            }
            if (data.type === "done" || data.type === "failed") [this.end, this.endAt] = [data, performance.now()];
          }
        }
      } catch {}
      if (!this.end) await sleep(50);
    }
  }
  phase(name) {
    return this.events.some((e) => e.type === "status" && e.phase === name);
  }
  leave() {
    this.left = true;
    this.abort?.abort();
  }
}
