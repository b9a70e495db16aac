// Verbs of the world around the page: the server, the worker, the network.

export const hands = {
  // The server.
  kill: (run) => run.server.kill(),
  start: (run) => run.server.again(),
  freeze: (run) => run.server.freeze(),
  thaw: (run) => run.server.thaw(),
  revoke: (run) => run.account.revoke(),
  freshKey: (run) => run.account.freshKey(),
  // ask submits by the API, as another client would.
  async ask(run, message, fields = {}) {
    run.asked = await run.account.submit({ message, ...fields });
  },
  asked: async (run, message, fields = {}) => {
    run.asked = await run.account.ask({ message, ...fields });
  },
  admin: (run, method, path, body) => run.server.admin(method, typeof path === "function" ? path(run) : path, body),

  // The worker: worker("pause", 185), worker("disconnect"), …
  worker: (run, method, ...args) => run.worker[method](...args),
  // attempt does something with what the worker got last: attempt("say", "…"), attempt("end"), attempt("fail", code, sentence).
  async attempt(run, method, ...args) {
    for (const end = Date.now() + 15_000; !run.worker.last; await new Promise((r) => setTimeout(r, 20))) if (Date.now() > end) throw new Error("the worker has got nothing");
    if (method === "say" || method === "correct" || method === "end") await run.worker.last.go; // what is said before it does not count
    await run.worker.last[method](...args);
  },
  async join(run, options) {
    run.worker = await run.stage.join(options, run.account);
    run.worker.report();
  },

  // The network.
  offline: (run, is = true) => run.context.setOffline(is),
  // block lets nothing through to an address: a glob of the path.
  block: (run, path) => run.context.route(`**${path}`, (route) => route.abort("connectionfailed")),
  unblock: (run) => run.context.unrouteAll({ behavior: "ignoreErrors" }),
  slow: (run, path, ms) => run.context.route(`**${path}`, async (route) => (await new Promise((r) => setTimeout(r, ms)), route.continue().catch(() => {}))),
};
