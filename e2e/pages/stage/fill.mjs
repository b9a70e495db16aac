// Fills a server with what its pages are to show: chats, requests of every status and code, deliveries in every state.

/** The codes that a worker can give, and `early` for those that it gives before anything was sent. */
export const workerCodes = ["rate_limited", "logged_out", "challenge", "mode_unavailable", "too_long", "chat_not_found", "page_changed", "incomplete_answer", "worker_lost", "worker_error"];

/** chats makes n chats, answered, with so many turns each. */
export async function chats(account, n, turns = 1) {
  await inParallel(n, 16, async (i) => {
    let chat = null;
    for (let t = 0; t < turns; t++) {
      const request = await account.ask({ message: t === 0 ? `${subjects[i % subjects.length]} ${i + 1}` : `And then? (${t})`, ...(chat && { chat_id: chat }) });
      chat = request.chat.id;
    }
  });
}

/** everyCode makes a failed request of each code: {code: request}. It leaves the worker able to work. */
export async function everyCode(stage) {
  const { account, worker, server } = stage;
  const out = {};
  for (const code of workerCodes) {
    out[code] = await account.ask(`[fail ${code}${code === "rate_limited" ? " 600" : ""}] Why does ${code.replaceAll("_", " ")} happen, and what can be done about it?`);
    if (code === "rate_limited") await worker.another();
    worker.resume();
  }
  out.worker_lost_early = await earlyLost(stage);
  out.timeout = await account.ask({ message: "[hold] An answer that takes too long", timeout_seconds: 1 });
  const stopped = await account.submit("[hold] An answer that is stopped");
  await until(async () => (await account.get(stopped.id)).phase === "answering");
  out.cancelled = await account.cancel(stopped.id);
  for (const code of ["expired", "internal"]) out[code] = await byTheClock(server, account, worker, code);
  return out;
}

/** earlyLost is a request that three hand-overs lost before anything was sent. */
export async function earlyLost({ account, worker }) {
  const usual = worker.script;
  worker.script = (a) => (a.message === "Nobody ever types this" ? worker.lose(a) : usual(a));
  const request = await account.ask("Nobody ever types this");
  worker.script = usual;
  return request;
}

/**
 * byTheClock is a failure that only a day's passing, or a fault of the bridge, brings. While the server is down its row is
 * made a day older (`expired`, which the server then finds by itself), or ended (`internal`, which nothing brings about).
 */
export async function byTheClock(server, account, worker, code) {
  worker.disconnect();
  await until(async () => (await server.admin("GET", `workers/?account=${account.id}`)).every((w) => !w.connected)); // nobody is to take it
  const request = await account.submit(code === "expired" ? "A message that nobody took for a day" : "A message that a fault ended");
  await server.kill();
  const day = 25 * 3600 * 1e6; // µs
  await server.sql(
    code === "expired"
      ? `UPDATE requests SET queued_at = queued_at - ${day}, due_at = due_at - ${day} WHERE id = '${request.id}'`
      : `UPDATE requests SET status = 'failed', open = 0, due_at = NULL, completed_at = queued_at + 1000, rev = rev + 1, error_code = 'internal', error_message = 'Something went wrong here. Look at the server''s log.' WHERE id = '${request.id}'`,
  );
  await server.again();
  const ended = await account.ended(request.id);
  await worker.connect();
  return ended;
}

/** deliveries gives the account endpoints of every kind and one message for each of them: delivered, failing, dead, slow, off. */
export async function deliveries({ server, account, sinks }, names = ["ok", "fail", "gone", "dead", "flaky"]) {
  const have = await server.admin("GET", `accounts/${account.id}/endpoints/`);
  for (const name of names) {
    if (!have.some((e) => e.url === sinks.to(name))) await server.admin("POST", `accounts/${account.id}/endpoints/`, { url: sinks.to(name), headers: name === "ok" ? { "X-Team": "support" } : {} });
  }
  await account.ask("A message that is owed to all endpoints");
  await account.ask("[fail worker_error] A failure that is owed to all endpoints");
  await until(async () => (await server.admin("GET", `deliveries/?account=${account.id}&limit=200`)).every((d) => d.tried > 0 || d.status === "dead"));
}

/** multiply copies a request, with what it says and the delivery that it owes to an endpoint, n times; those deliveries are dead. The server is not to run. */
export async function multiply(server, request, endpoint, n) {
  const copies = { seq: "1000000 + i", request_seq: "1000000 + i", id: "printf('%08x-0000-4000-8000-%012x', i, i)", idempotency_key: "NULL", events: "''" };
  const dead = { ...copies, id: "1000000 + i", webhook_id: "'msg_' || i", status: "'dead'", next_try_at: "NULL", due_at: "NULL", claimed_by: "NULL", claimed_until: "NULL", tried: "1", ended_at: "created_at" };
  const of = `(SELECT seq FROM requests WHERE id = '${request.id}')`;
  for (const [table, changed, which] of [["requests", copies, `id = '${request.id}'`], ["bodies", copies, `request_seq = ${of}`], ["answers", copies, `request_seq = ${of}`], ["deliveries", dead, `request_seq = ${of} AND endpoint_id = ${endpoint}`]]) {
    const names = await server.sql(`SELECT name FROM pragma_table_info('${table}')`);
    await server.sql(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${n}) INSERT INTO ${table} (${names}) SELECT ${names.map((name) => changed[name] ?? name)} FROM ${table}, n WHERE ${which}`);
  }
}

/** until polls until something holds. */
export async function until(holds, within = 20_000) {
  for (const end = Date.now() + within; Date.now() < end; await new Promise((r) => setTimeout(r, 50))) if (await holds()) return;
  throw new Error(`never came to hold: ${holds}`);
}

async function inParallel(n, lanes, act) {
  let next = 0;
  await Promise.all(Array.from({ length: Math.min(lanes, n) }, async () => {
    while (next < n) await act(next++);
  }));
}

const subjects = ["Plan a garden in the shade", "Explain leases and heartbeats", "A letter to the landlord", "Why is the sky blue?", "Review this function", "Names for a cat", "What to cook with fennel", "A very long subject that does not fit into the list and has to be cut somewhere before its end"];
