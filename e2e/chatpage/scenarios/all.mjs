import breaks from "./breaks.mjs";
import deaths from "./deaths.mjs";
import extension from "./extension.mjs";
import firstRun from "./first-run.mjs";
import pages from "./pages.mjs";
import people from "./people.mjs";
import texts from "./texts.mjs";
import trouble from "./trouble.mjs";

// What Firefox runs as well: every editor, stream and picker, and what reloads, closes and server crashes do.
const firefox = /^(page|chat|mode: (intelligence|slider|switcher), \w+$|message: (everything|100|CRLF)|answer: (fences|100|citations|the same over|by the document alone, (table|maths))|breaks: (the stream|cut over|dropped|before)|refused: 413|trouble: (logged|the page is redesigned, then|the editor is put up anew once)|tab (reloaded|closed): in the answer$|server killed: in the answer|cancel: in|first start)/;

export const scenarios = [...pages, ...texts, ...breaks, ...trouble, ...people, ...extension, ...firstRun, ...deaths].map((s) => ({ ...s, firefox: firefox.test(s.name) }));
const names = new Set();
for (const { name } of scenarios) {
  if (names.has(name)) throw new Error(`two scenarios are called ${name}`);
  names.add(name);
}
