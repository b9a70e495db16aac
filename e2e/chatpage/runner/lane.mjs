// One of everything: a bridge, a site, a browser (Chromium or Firefox) with the
// extension paired.
import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { Site } from "../site/site.mjs";
import { Bridge } from "./bridge.mjs";
import { Browser } from "./browser.mjs";
import { Firefox } from "./firefox.mjs";

const run = promisify(execFile);

export class Lane {
  static async start({ binary, root, certificate, firefox = false }) {
    const l = new Lane();
    Object.assign(l, { binary, root, firefox, n: 0 });
    l.folder = await mkdtemp(join(root, "lane-"));
    [l.bridge, l.site] = await Promise.all([Bridge.start({ binary, data: join(l.folder, "data") }), Site.start(certificate)]);
    return l;
  }

  // fresh begins anew: another account, another profile, another copy of the extension.
  // build: an unpacked build to use instead of the one in the program.
  // paired: whether it is paired already.
  async fresh({ build = process.env.EXTENSION, paired = true } = {}) {
    await this.browser?.kill();
    this.n++;
    this.client = await this.bridge.account();
    this.extension = join(this.folder, `extension-${this.n}`);
    this.profile = join(this.folder, `profile-${this.n}`);
    if (build) await this.#copy(build);
    else await run(this.binary, ["extension", "--browser", this.firefox ? "firefox" : "chrome", "--out", this.extension, "--server", this.through ?? this.bridge.url, "--key", this.client.key]);
    if (!paired) await rm(join(this.extension, "pairing.json"));
    await this.open();
  }
  // blank is how a new user begins: a server on an empty folder, a browser without the extension.
  async blank() {
    await this.browser?.kill();
    await this.bridge.kill();
    this.n++;
    this.client = this.extension = undefined;
    this.profile = join(this.folder, `profile-${this.n}`);
    this.bridge = await Bridge.start({ binary: this.binary, data: join(this.folder, `data-${this.n}`) });
    await this.open();
  }
  // #copy pairs a copy of an unpacked build, so that a change of the extension is tried without building the program.
  async #copy(from) {
    const server = this.through ?? this.bridge.url;
    await cp(from, this.extension, { recursive: true });
    await writeFile(join(this.extension, "pairing.json"), JSON.stringify({ server, key: this.client.key }));
    const manifest = JSON.parse(await readFile(join(from, "manifest.json"), "utf8"));
    manifest.host_permissions.push(`${server.replace(/:\d+$/, "")}/*`);
    await writeFile(join(this.extension, "manifest.json"), JSON.stringify(manifest));
  }
  async open() {
    this.browser = await (this.firefox ? Firefox : Browser).start({ profile: this.profile, extension: this.extension, site: this.site });
  }
  // tab is the extension's tab at the site.
  async tab() {
    return this.browser.wait("a tab at the site", async () => (await this.browser.sites())[0]);
  }
  async stop() {
    await this.browser?.kill();
    await Promise.all([this.bridge.stop(), this.site.stop()]);
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
