// Webhook receivers on loopback, one for each way to behave: /ok, /fail, /slow, /gone, /flaky, and dead(), an
// address at which nobody listens. What comes is kept in `came`.
import { createServer } from "node:http";

export class Sinks {
  static async open() {
    const s = new Sinks();
    s.came = [];
    s.behaviour = { ok: 200, fail: 500, slow: 200, gone: 410, flaky: 503 };
    s.slow = 4000; // ms
    s.actions = {};
    s.server = createServer((q, r) => s.#answer(q, r));
    await new Promise((done) => s.server.listen(0, "127.0.0.1", done));
    s.url = `http://127.0.0.1:${s.server.address().port}`;
    const other = createServer();
    await new Promise((done) => other.listen(0, "127.0.0.1", done));
    s.deadURL = `http://127.0.0.1:${other.address().port}/dead`;
    await new Promise((done) => other.close(done));
    return s;
  }
  /** The URL of one: "ok", "fail", … */
  to(name) {
    return name === "dead" ? this.deadURL : `${this.url}/${name}`;
  }
  async #answer(q, r) {
    const [, name, ...args] = decodeURIComponent(q.url).split("/");
    let body = "";
    for await (const piece of q) body += piece;
    if (name === "do") return this.#do(args, r);
    this.came.push({ name, headers: q.headers, body });
    if (name === "slow") await new Promise((done) => setTimeout(done, this.slow));
    let status = this.behaviour[name] ?? 200;
    if (name === "flaky" && this.came.filter((c) => c.name === "flaky" && c.headers["webhook-id"] === q.headers["webhook-id"]).length > 1) status = 200;
    r.writeHead(status, { "content-type": "text/plain; charset=utf-8", "x-sink": name });
    r.end(status < 300 ? "Taken, thank you.\n" : `This receiver answers ${status}, as it was asked to.\n`);
  }
  // do: what a person asks of a stage that runs, by curl.
  async #do([name, ...args], r) {
    const action = this.actions[name];
    const say = (status, text) => (r.writeHead(status, { "content-type": "text/plain; charset=utf-8" }), r.end(text + "\n"));
    if (!action) return say(404, `One of: ${Object.keys(this.actions).join(", ")}`);
    try {
      say(200, String((await action(...args)) ?? "done"));
    } catch (err) {
      say(500, String(err.stack ?? err));
    }
  }
  close() {
    this.server.closeAllConnections();
    this.server.close();
  }
}
