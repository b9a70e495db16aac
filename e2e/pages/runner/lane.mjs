// One lane of scenarios: a browser, and the servers that its scenarios share.
import { chromium } from "playwright-core";
import { open } from "../stage.mjs";
import { chats, deliveries, everyCode } from "../stage/fill.mjs";
import { Firefox } from "./firefox.mjs";

export class Lane {
  static async start({ binary, firefox = false }) {
    const l = new Lane();
    Object.assign(l, { binary, firefox, stages: new Map() });
    return l;
  }

  async browser() {
    if (this.firefox) return (this.running ??= await Firefox.start());
    if (!this.running?.isConnected()) {
      this.running = await chromium.launch({
        executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
        args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--host-resolver-rules=MAP bridge.lan 127.0.0.1", "--force-color-profile=srgb"],
      });
    }
    return this.running;
  }

  /** stage gives the server that a scenario wants: "shared", "filled" (with everything that lists show), or options for one of its own. */
  async stage(kind) {
    if (typeof kind === "object") return open({ binary: this.binary, ...kind });
    if (!this.stages.has(kind)) {
      const stage = await open({ binary: this.binary });
      if (kind === "filled") {
        await chats(stage.account, 230);
        stage.codes = await everyCode(stage);
        await deliveries(stage);
      }
      stage.kind = kind;
      this.stages.set(kind, stage);
    }
    return this.stages.get(kind);
  }

  async stop() {
    await (this.firefox ? this.running?.stop() : this.running?.close());
    await Promise.all([...this.stages.values()].map((s) => s.close()));
  }
}
