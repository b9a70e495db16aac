// A person at a browser: what they do they find by its words, as the page says them to
// a reader of the screen; what they press they press with the mouse, where it is.
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { unzipSync } from "fflate";

const sleep = (ms) => new Promise((r) => setTimeout(r, ms));
const patience = 15_000; // ms that a page may take to show something
const control = 2; // of DevTools' modifiers

export class Person {
  constructor(browser, folder) {
    Object.assign(this, { browser, folder });
  }

  // open opens an address in a new tab; at goes to the tab with an address like that.
  async open(url) {
    await this.#look(await this.browser.open(url));
  }
  async at(address) {
    await this.#look(await this.browser.wait(`a tab at ${address}`, () => this.browser.list("page", (t) => address.test(t.url)).at(-1), patience));
  }
  async #look(target) {
    await this.session?.detach();
    await this.browser.front(target);
    this.session = await this.browser.attach(target);
    await this.session.send("Accessibility.enable"); // for #find
  }
  leave() {
    return this.session?.detach();
  }

  // text is all that the page shows now; sees waits for words in it.
  text() {
    return this.session.evaluate("document.body?.innerText ?? ''");
  }
  async sees(words, within = patience) {
    let text = "";
    for (const end = Date.now() + within; Date.now() < end; await sleep(40)) {
      text = (await this.text().catch(() => "")).replace(/\s+/g, " ");
      if (words instanceof RegExp ? words.test(text) : text.includes(words)) return;
    }
    throw new Error(`never seen: ${words}. The page shows: ${text.slice(0, 1500)}`);
  }

  // press clicks what has this role and name; name is what is read aloud of it.
  async press(name, role = "button") {
    await this.#click(role, name);
  }
  // write types into the field with this label, in place of what is there; reads tells what stands in it.
  async write(label, text) {
    await this.#click("textbox", label);
    await this.#key("a", "KeyA", 65, ["selectAll"]);
    await this.session.send("Input.insertText", { text });
  }
  async reads(label) {
    return (await this.#find("textbox", label)).value?.value ?? "";
  }
  // paste puts in what was copied last.
  async paste(label) {
    await this.#click("textbox", label);
    await this.#key("v", "KeyV", 86, ["paste"]);
  }
  async #key(key, code, windowsVirtualKeyCode, commands) {
    for (const type of ["rawKeyDown", "keyUp"]) await this.session.send("Input.dispatchKeyEvent", { type, modifiers: control, key, code, windowsVirtualKeyCode, ...(type === "rawKeyDown" && { commands }) });
  }

  async #find(role, name) {
    for (const end = Date.now() + patience; Date.now() < end; await sleep(40)) {
      const { root } = await this.session.send("DOM.getDocument", { depth: 0 });
      const { nodes } = await this.session.send("Accessibility.queryAXTree", { nodeId: root.nodeId, role, accessibleName: name }).catch(() => ({ nodes: [] })); // such as in the middle of a navigation
      const there = nodes.find((n) => !n.ignored && !n.properties?.some((p) => p.name === "disabled" && p.value.value));
      if (there) return there;
    }
    throw new Error(`there is no ${role} “${name}”. The page shows: ${(await this.text()).replace(/\s+/g, " ").slice(0, 1500)}`);
  }
  async #click(role, name) {
    const [x1, y1, , , x2, y2] = await this.#place(role, name);
    const at = { x: (x1 + x2) / 2, y: (y1 + y2) / 2, button: "left", clickCount: 1 };
    for (const type of ["mousePressed", "mouseReleased"]) await this.session.send("Input.dispatchMouseEvent", { type, ...at });
  }
  // #place brings it into view and says where it is. What was drawn anew meanwhile is looked for again.
  async #place(role, name) {
    for (let tries = 0; ; tries++) {
      const { backendDOMNodeId: backendNodeId } = await this.#find(role, name);
      try {
        await this.session.send("DOM.scrollIntoViewIfNeeded", { backendNodeId });
        return (await this.session.send("DOM.getContentQuads", { backendNodeId })).quads[0];
      } catch (err) {
        if (tries === 5) throw err;
      }
    }
  }

  // download presses a link and waits for its file; unpack makes a folder of a zip.
  async download(name) {
    const { pipe } = this.browser;
    await pipe.send("Browser.setDownloadBehavior", { behavior: "allowAndName", downloadPath: this.folder, eventsEnabled: true });
    let file;
    const off = pipe.on((m) => m.method === "Browser.downloadProgress" && m.params.state === "completed" && (file = join(this.folder, m.params.guid)));
    try {
      await this.press(name, "link");
      return await this.browser.wait(`the file of “${name}”`, () => file && existsSync(file) && file, patience);
    } finally {
      off();
    }
  }
  async unpack(zip) {
    const to = `${zip}-unpacked`;
    for (const [path, bytes] of Object.entries(unzipSync(await readFile(zip)))) {
      if (path.endsWith("/")) continue;
      await mkdir(dirname(join(to, path)), { recursive: true });
      await writeFile(join(to, path), bytes);
    }
    return to;
  }
}
