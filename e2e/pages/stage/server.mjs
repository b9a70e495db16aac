// The real chatbridge: one server process on a free port, with a data folder that lasts as long as it.
import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const sleep = (ms) => new Promise((r) => setTimeout(r, ms));
const stopWithin = 12_000; // ms; a drain takes 10 s at most
const patience = 20_000; // ms, for a call of its API
const running = new Set(); // processes, which end with this one however it ends
process.on("exit", () => running.forEach((p) => p.kill("SIGKILL")));

/** What `chatbridge serve` is built to where no binary is given: a file in the folder. */
export async function build(folder) {
  const binary = join(folder, "chatbridge");
  await run("go", ["build", "-o", binary, "chatbridge/cmd/chatbridge"], { cwd: import.meta.dirname });
  return binary;
}

export class Server {
  /**
   * start runs `serve`. password: the admin's, null for none (then `setupLink` has the link that sets it);
   * listen: host and port, port 0 a free one; flags: further ones.
   */
  static async start({ binary, password = "correct horse battery", listen = "localhost:0", flags = [] }) {
    const s = new Server();
    const folder = await mkdtemp(join(tmpdir(), "pages-"));
    Object.assign(s, { folder, binary: binary ?? (await build(folder)), password, address: listen, flags, data: join(folder, "data"), out: "", log: "", accounts: 0 });
    await s.#run();
    return s;
  }

  async #run() {
    for (let tries = 0; ; tries++) {
      const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => name !== "PORT" && !name.startsWith("CHATBRIDGE_")));
      if (this.password) env.CHATBRIDGE_ADMIN_PASSWORD = this.password;
      const before = this.out.length;
      this.process = spawn(this.binary, ["serve", "--listen", this.address, "--data", this.data, ...this.flags], { stdio: ["ignore", "pipe", "pipe"], env });
      const { process: p } = this;
      running.add(p);
      this.gone = new Promise((r) => p.on("exit", () => r(running.delete(p))));
      this.process.stderr.on("data", (d) => (this.log = (this.log + d).slice(-200_000)));
      const listening = await Promise.race([
        new Promise((r) =>
          this.process.stdout.on("data", (d) => {
            this.out += d;
            const m = this.out.slice(before).match(/listens on http:\/\/(\S+)/);
            if (m) r(m[1]);
          }),
        ),
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
  get port() {
    return Number(this.address.split(":").at(-1));
  }
  /** The one-time link of a server without a password. */
  async setupLink() {
    for (const end = Date.now() + patience; Date.now() < end; await sleep(20)) {
      const m = this.out.match(/http:\/\/\S+\/admin\/setup\/\?token=\S+/);
      if (m) return m[0];
    }
    throw new Error("no set-up link on stdout");
  }
  /** kill ends it at once, as a lost machine does. */
  async kill() {
    this.process.kill("SIGKILL");
    await this.gone;
  }
  /** start again on the same port and data. */
  again() {
    return this.#run();
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
    const late = setTimeout(() => this.process.kill("SIGKILL"), stopWithin);
    await this.gone;
    clearTimeout(late);
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async cli(...args) {
    const { stdout } = await run(this.binary, args, { env: { ...process.env, CHATBRIDGE_DATA: this.data } });
    return stdout;
  }
  /** admin calls /api/admin/…: admin("GET", "accounts/"). */
  async admin(method, path, body) {
    this.token ??= JSON.parse(await this.cli("admin", "token", "create", "stage", "--json")).token;
    return call(this.url + "/api/admin/" + path, method, { authorization: `Bearer ${this.token}` }, body);
  }
  /** account makes one: {id, email, key}, with the calls of a client. */
  async account({ email = `user${++this.accounts}@example.com`, webhookURL } = {}) {
    const made = JSON.parse(await this.cli("account", "create", email, "--json", ...(webhookURL ? ["--webhook-url", webhookURL] : [])));
    return new Account(this, { id: made.id, email, key: made.key });
  }
  /** sql changes the stored data of a server that does not run, for what only a day's passing or much traffic brings about; it returns lines. */
  async sql(statement) {
    const { stdout } = await run("sqlite3", ["-cmd", ".timeout 5000", join(this.data, "chatbridge.db"), statement]);
    return stdout.split("\n").filter(Boolean);
  }
}

/** Account speaks for one account, with its first key. */
export class Account {
  constructor(server, { id, email, key }) {
    Object.assign(this, { server, id, email, key });
  }
  call(method, path, body) {
    return call(this.server.url + path, method, { "x-api-key": this.key }, body);
  }
  submit(fields) {
    return this.call("POST", "/api/chat/submit/", typeof fields === "string" ? { message: fields } : fields);
  }
  get(id) {
    return this.call("GET", `/api/chat/requests/${id}/`);
  }
  cancel(id) {
    return this.call("POST", `/api/chat/requests/${id}/cancel/`);
  }
  /** ended waits for a request's end. */
  async ended(id) {
    for (const until = Date.now() + patience; Date.now() < until; await sleep(30)) {
      const r = await this.get(id);
      if (r.status === "done" || r.status === "failed") return r;
    }
    throw new Error(`request ${id} did not end`);
  }
  /** ask submits and waits for the end. */
  async ask(fields) {
    return this.ended((await this.submit(fields)).id);
  }
  /** revoke ends the account's key that it speaks with. */
  async revoke() {
    const keys = await this.server.admin("GET", `accounts/${this.id}/keys/`);
    const own = keys.find((k) => this.key.startsWith(k.prefix) && !k.revoked_at);
    await this.server.admin("DELETE", `accounts/${this.id}/keys/${own.id}/`);
  }
  /** freshKey makes a key, which it speaks with from now on. */
  async freshKey(name = "stage") {
    this.key = (await this.server.admin("POST", `accounts/${this.id}/keys/`, { name })).key;
    return this.key;
  }
}

async function call(url, method, headers, body) {
  const r = await fetch(url, { method, headers: { ...headers, ...(body !== undefined && { "content-type": "application/json" }) }, body: body === undefined ? undefined : JSON.stringify(body), signal: AbortSignal.timeout(patience) });
  const text = await r.text();
  if (!r.ok) throw new Error(`${method} ${url}: ${r.status} ${text.slice(0, 500)}`);
  return text ? JSON.parse(text) : null;
}
