// What no page may ever do, in whatever scenario: write an error to the console, break its own Content Security Policy,
// or ask another host for anything.

// Runs in each document before the page's own scripts: notes what the page says to screen readers, and violations.
export function ears() {
  globalThis.heard = { spoken: [], violations: [] };
  document.addEventListener("securitypolicyviolation", (e) => globalThis.heard.violations.push(`${e.violatedDirective}: ${e.blockedURI} ${e.sourceFile ?? ""}:${e.lineNumber} ${e.sample ?? ""}`));
  const live = '[aria-live="polite"], [aria-live="assertive"], [role="status"], [role="alert"]';
  const note = (el) => {
    const text = el?.textContent.trim();
    if (text && globalThis.heard.spoken.at(-1) !== text) globalThis.heard.spoken.push(text);
  };
  new MutationObserver((list) => {
    for (const m of list) {
      note((m.target.nodeType === 1 ? m.target : m.target.parentElement)?.closest(live));
      for (const n of m.addedNodes) if (n.nodeType === 1 && n.matches('[role="alert"]')) note(n);
    }
  }).observe(document, { subtree: true, childList: true, characterData: true });
}

export class Watch {
  /** Watches the context's pages. hosts(): "name:port" that they may ask. */
  static async over(context, hosts) {
    const w = new Watch();
    Object.assign(w, { console: [], faults: [], errors: [] });
    await context.addInitScript(ears);
    context.on("page", (page) => w.#page(page, hosts));
    return w;
  }
  #page(page, hosts) {
    page.on("console", (m) => {
      const line = { type: m.type(), text: m.text(), args: m.args(), url: m.location().url, page };
      this.console.push(line);
      if (m.type() === "error" || m.type() === "warning") this.errors.push(`${line.type}: ${line.text}${/^Failed to load/.test(line.text) ? ` (${line.url})` : ""}`);
    });
    page.on("pageerror", (err) => this.faults.push(`an error that nobody caught: ${err.stack ?? err}`));
    page.on("crash", () => this.faults.push("the page crashed"));
    page.on("request", (r) => {
      const url = new URL(r.url());
      if (!["data:", "blob:", "about:"].includes(url.protocol) && !hosts().includes(url.host)) this.faults.push(`a request to ${url.host}: ${r.url().slice(0, 200)}`);
    });
    page.on("websocket", (s) => {
      if (!hosts().includes(new URL(s.url()).host)) this.faults.push(`a WebSocket to ${s.url().slice(0, 200)}`);
    });
  }
  /** verdict is what went wrong but for the console's errors that were to be expected. */
  async verdict(context, expected) {
    for (const page of context.pages()) {
      const hung = new Promise((done) => setTimeout(done, 3000, null));
      const violations = await Promise.race([page.evaluate(() => globalThis.heard?.violations ?? []).catch(() => []), hung]);
      if (violations) this.faults.push(...violations.map((v) => `a violation of the policy: ${v}`));
      else this.faults.push("the page did not answer within 3 s");
    }
    const errors = this.errors.filter((e) => !expected.some((x) => x.test(e)));
    return [...this.faults, ...new Set(errors)];
  }
}
