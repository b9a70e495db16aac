// A small client of the DevTools protocol over a pipe. It attaches to nothing by
// itself: a page or a service worker with a debugger attached lives differently
// from a person's (it is never hidden, throttled or put to sleep).

const patience = 20_000; // ms that any call may take

export class Pipe {
  #out;
  #next = 1;
  #waiting = new Map(); // id → {resolve, reject, what}
  #listeners = new Set();
  #rest = [];

  constructor(out, input) {
    this.#out = out;
    input.on("data", (piece) => this.#read(piece));
    input.on("close", () => this.#end("the browser has gone"));
    input.on("error", () => this.#end("the browser has gone"));
    out.on("error", () => this.#end("the browser has gone"));
  }

  #read(piece) {
    for (let from = 0; ; ) {
      const zero = piece.indexOf(0, from);
      if (zero < 0) {
        this.#rest.push(piece.subarray(from));
        return;
      }
      const text = Buffer.concat([...this.#rest, piece.subarray(from, zero)]).toString();
      this.#rest = [];
      from = zero + 1;
      const message = JSON.parse(text);
      if (message.id) {
        const w = this.#waiting.get(message.id);
        this.#waiting.delete(message.id);
        if (!w) continue;
        clearTimeout(w.timer);
        if (message.error) w.reject(new Error(`${w.what}: ${message.error.message}`));
        else w.resolve(message.result);
      } else for (const l of this.#listeners) l(message);
    }
  }

  #end(why) {
    for (const w of this.#waiting.values()) {
      clearTimeout(w.timer);
      w.reject(new Error(`${w.what}: ${why}`));
    }
    this.#waiting.clear();
  }

  send(method, params = {}, sessionId = undefined) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new Error(`${method}: no answer in ${patience} ms`));
      }, patience);
      this.#waiting.set(id, { resolve, reject, what: method, timer });
      this.#out.write(JSON.stringify({ id, method, params, sessionId }) + "\0");
    });
  }

  // on calls back for each event; it returns how to stop that.
  on(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

// Session is a debugger attached to one target. Detach it as soon as may be.
export class Session {
  constructor(pipe, id) {
    this.pipe = pipe;
    this.id = id;
  }
  send(method, params) {
    return this.pipe.send(method, params, this.id);
  }
  // evaluate runs an expression, awaits it, and returns its value.
  async evaluate(expression) {
    const r = await this.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true, userGesture: true });
    if (r.exceptionDetails) throw new Error(`in the page: ${r.exceptionDetails.exception?.description ?? r.exceptionDetails.text}`);
    return r.result.value;
  }
  detach() {
    return this.pipe.send("Target.detachFromTarget", { sessionId: this.id }).catch(() => {});
  }
}
