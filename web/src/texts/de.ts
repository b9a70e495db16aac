// The same texts in German.
import type * as en from "./en";

function count(n: number, one: string, many: string): string {
  return n === 1 ? `1 ${one}` : `${n.toLocaleString("de")} ${many}`;
}

export const shared: typeof en.shared = {
  cancel: "Abbrechen",
  theme: "Farben",
  themes: { system: "Wie das System", light: "Hell", dark: "Dunkel" },
  language: "Sprache",
  languageSystem: "Wie der Browser",
};

export const chat: typeof en.chat = {
  newChat: "Neuer Chat",
  chats: "Chats",
};

export const panel: typeof en.panel = {
  rows: (n) => count(n, "Zeile", "Zeilen"),
};
