import chat from "./chat.mjs";
import checks from "./checks.mjs";
import failures from "./failures.mjs";
import streams from "./streams.mjs";
import lists from "./lists.mjs";
import panel from "./panel.mjs";
import writing from "./writing.mjs";

export const scenarios = [...checks, ...chat, ...streams, ...failures, ...writing, ...panel, ...lists];
const names = new Set();
for (const { name } of scenarios) {
  if (names.has(name)) throw new Error(`two scenarios are called ${name}`);
  names.add(name);
}
