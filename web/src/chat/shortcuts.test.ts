import assert from "node:assert/strict";
import { test } from "node:test";
import { type Shortcut, shortcutOf } from "./shortcuts";

const press = (key: string, code: string, held: string) => ({ key, code, ctrlKey: held.includes("c"), metaKey: held.includes("m"), shiftKey: held.includes("s"), altKey: held.includes("a") });

const cases: [name: string, key: string, code: string, held: string, mac: boolean, shortcut: Shortcut | null][] = [
  ["Ctrl K", "k", "KeyK", "c", false, "search"],
  ["Ctrl K with caps lock", "K", "KeyK", "c", false, "search"],
  ["⌘ K on a Mac", "k", "KeyK", "m", true, "search"],
  ["Ctrl K on a Mac cuts a line", "k", "KeyK", "c", true, null],
  ["K alone", "k", "KeyK", "", false, null],
  ["AltGr comes as Ctrl and Alt", "k", "KeyK", "ca", false, null],
  ["Ctrl Shift O", "O", "KeyO", "cs", false, "newChat"],
  ["Ctrl O opens a file", "o", "KeyO", "c", false, null],
  ["Ctrl Shift ;", ":", "Semicolon", "cs", false, "copyCode"],
  ["Ctrl Shift ö, where ; is on an English keyboard", "Ö", "Semicolon", "cs", false, "copyCode"],
  ["Ctrl Shift , is ; on a German keyboard", ";", "Comma", "cs", false, "copyCode"],
  ["Ctrl ;", ";", "Semicolon", "c", false, null],
  ["Ctrl /", "/", "Slash", "c", false, "list"],
  ["Ctrl Shift 7 is / on a German keyboard", "/", "Digit7", "cs", false, "list"],
  ["Shift Esc", "Escape", "Escape", "s", false, "composer"],
  ["Esc", "Escape", "Escape", "", false, null],
];

for (const [name, key, code, held, mac, shortcut] of cases) test(name, () => assert.equal(shortcutOf(press(key, code, held), mac), shortcut));
