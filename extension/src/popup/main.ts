// The popup: how things are, in a sentence, and what to do.

import type { Hook } from "../messages";
import { by, icon, make } from "../shared/dom";
import { copyDiagnosis } from "../shared/diagnosis";
import { connect } from "../shared/wire";
import { wordsFor, type Deed } from "../shared/words";
import type { View } from "../view";

let view: View | null = null;
let hooks: Hook[] | null = null;
let shown = "";

const send = connect((m) => {
  if (m.type === "view") {
    view = m.view;
    render();
  } else if (m.type === "doctor") {
    hooks = m.hooks;
    showHooks(m.hooks);
  }
});

function render(): void {
  if (!view) return;
  const words = wordsFor(view, Date.now());
  // Only what has changed is written, so that a countdown is not read out anew each second.
  const now = JSON.stringify([words, view.packWaiting, view.server, view.account]);
  if (now === shown) return;
  shown = now;
  const status = by("status");
  status.className = `status ${words.tone}`;
  status.replaceChildren(icon(words.icon), make("span", {}, words.sentence));
  by("more").textContent = words.more ?? (view.account ? `${view.account} at ${view.server}` : "");
  const button = by<HTMLButtonElement>("deed");
  button.hidden = !words.button;
  button.textContent = words.button?.label ?? "";
  button.className = words.button?.deed === "pause" ? "" : "main";
  button.onclick = () => words.button && act(words.button.deed);
  by("consent").hidden = view.packWaiting === null;
  by("consent-text").textContent = `Pack ${view.packWaiting} from ${view.server} is not signed by the makers of this extension. It says where the page's parts are; it can't make the extension press anything else. Use it if you trust that server.`;
  by("about").textContent = `Version ${view.version}, pack ${view.pack}`;
}

function act(deed: Deed): void {
  switch (deed) {
    case "options":
      return void chrome.runtime.openOptionsPage();
    case "allow":
      // Must be the click's own act.
      return void chrome.permissions.request({ origins: ["https://chatgpt.com/*"] });
    case "copy":
      return void copy();
    case "doctor":
      return examine();
    default:
      send({ do: deed });
  }
}

function examine(): void {
  by("doctor").hidden = false;
  by("doctor-says").textContent = "Looking at the page; nothing is clicked or sent…";
  by("hooks").replaceChildren();
  send({ do: "doctor" });
}

function showHooks(found: Hook[] | null): void {
  by("doctor").hidden = false;
  const says = by("doctor-says");
  if (!found) {
    says.textContent = "No page of chatgpt.com could be asked. Open the site and run the doctor again.";
    return;
  }
  const missing = found.filter((hook) => !hook.found).length;
  says.textContent = missing === 0 ? `All ${found.length} hooks were found.` : `${missing} of ${found.length} hooks were not found. Some are only there at times: see where each is wanted. If one of the others is missing, take a newer pack or version.`;
  const head = make("tr", {}, ...["Hook", "Found", "By", "Wanted"].map((title) => make("th", { scope: "col" }, title)));
  by("hooks").replaceChildren(
    make("thead", {}, head),
    make(
      "tbody",
      {},
      ...found.map((hook) =>
        make(
          "tr",
          {},
          make("td", {}, hook.name),
          make("td", { className: hook.found ? "ok" : "warn" }, make("span", { className: "mark" }, icon(hook.found ? "ok" : "bad"), hook.found ? "yes" : "no")),
          make("td", {}, hook.alternative),
          make("td", {}, hook.wanted_on),
        ),
      ),
    ),
  );
}

async function copy(): Promise<void> {
  if (!view) return;
  const done = await copyDiagnosis(view, hooks);
  by("copy").textContent = done ? "Copied" : "Could not copy";
}

by("take").onclick = () => send({ do: "pack", take: true });
by("decline").onclick = () => send({ do: "pack", take: false });
by("run").onclick = examine;
by("copy").onclick = () => void copy();
by("options").onclick = () => void chrome.runtime.openOptionsPage();
setInterval(render, 1000);
