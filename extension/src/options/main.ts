// The options page: where the server is, tested before it is kept; this browser's name and capacity; what happened.

import { oneLine, parseLine } from "./line";
import { originPattern } from "../background/wire";
import { by, icon, make } from "../shared/dom";
import { copyDiagnosis } from "../shared/diagnosis";
import { connect } from "../shared/wire";
import { clock, wordsFor } from "../shared/words";
import type { View } from "../view";

let view: View | null = null;
let filled = false;
let shown = "";

const send = connect((m) => {
  if (m.type === "view") {
    view = m.view;
    render();
  } else if (m.type === "paired") {
    say(m.ok ? `${m.sentence} Saved. Log in at chatgpt.com in this browser, if you are not: requests are answered in a tab of its own.` : m.sentence, m.ok);
    if (m.ok) by<HTMLInputElement>("line").value = ""; // the key is never shown again
    by<HTMLButtonElement>("save").disabled = false;
  }
});

function render(): void {
  if (!view) return;
  const words = wordsFor(view, Date.now());
  const now = JSON.stringify([words.sentence, words.more, view.server, view.account]);
  if (now !== shown) {
    shown = now;
    by("status").className = `status ${words.tone}`;
    by("status").replaceChildren(icon(words.icon), make("span", {}, [words.sentence, words.more ?? ""].join(" ").trim()));
    // What is to be done elsewhere has its button in the popup.
    by("allow").hidden = words.button?.deed !== "allow";
  }
  by("kept").textContent = view.server ? `Kept: ${view.server} ••••••••${view.account ? `, account ${view.account}` : ""}` : "";
  by("unpair").hidden = !view.server;
  if (!filled) {
    filled = true;
    by<HTMLInputElement>("name").value = view.name;
    by<HTMLSelectElement>("capacity").value = String(view.capacity);
  }
  by("events").replaceChildren(
    ...[...view.events].reverse().map((event) => make("tr", {}, make("td", {}, make("time", { dateTime: new Date(event.at).toISOString() }, clock(event.at))), make("td", {}, event.text))),
  );
  by("about").textContent = `Version ${view.version}, selector pack ${view.pack}`;
}

function say(sentence: string, ok: boolean | null): void {
  const result = by("result");
  result.className = `result ${ok === null ? "" : ok ? "ok" : "bad"}`;
  result.replaceChildren(...(ok === null ? [] : [make("span", { className: "mark" }, icon(ok ? "ok" : "bad"))]), ` ${sentence}`);
}

by<HTMLInputElement>("line").onpaste = (event) => {
  const text = event.clipboardData?.getData("text/plain");
  if (!text) return;
  event.preventDefault(); // a browser would run the two together where a line ends
  const field = by<HTMLInputElement>("line");
  field.setRangeText(oneLine(text), field.selectionStart ?? 0, field.selectionEnd ?? field.value.length, "end");
};

by<HTMLFormElement>("pair").onsubmit = (event) => {
  event.preventDefault();
  const line = parseLine(by<HTMLInputElement>("line").value);
  if (!line.ok) return say(line.sentence, false);
  // First of all, since a browser asks only in answer to a click. A refusal is no obstacle to most servers.
  const asked = chrome.permissions.request({ origins: [originPattern(line.server)] }).catch(() => false);
  by<HTMLButtonElement>("save").disabled = true;
  say("If the browser asks for access to the server's address, allow it.", null);
  void asked.then((allowed) => {
    say(allowed ? "Testing…" : "Testing, without access to the server's address…", null);
    send({ do: "pair", server: line.server, key: line.key });
  });
};

by<HTMLFormElement>("more").onsubmit = (event) => {
  event.preventDefault();
  send({ do: "settings", name: by<HTMLInputElement>("name").value, capacity: Number(by<HTMLSelectElement>("capacity").value) });
  by("saved").textContent = view?.server ? "Saved" : "Set up the server first, above";
};

by("allow").onclick = () => void chrome.permissions.request({ origins: ["https://chatgpt.com/*"] }); // must be the click's own act

by("unpair").onclick = () => {
  send({ do: "unpair" });
  say("Unpaired. What was being answered is given up. Paste a line to pair it again.", true);
};

by("copy").onclick = () => {
  if (view) void copyDiagnosis(view, null).then((done) => (by("copy").textContent = done ? "Copied" : "Could not copy"));
};
setInterval(render, 1000);
