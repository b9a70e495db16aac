// Every sentence and word that the pages show, in English. A translation is a file beside it with the same names (see de.ts);
// what stands in a sentence comes as arguments, so that a language can order it as it likes. Names of the product's things
// (GPT Account, Webhook URL, API Key) stay as they are.

/** How many of something: picks the form for one, or for any other number. */
function count(n: number, one: string, many: string): string {
  return n === 1 ? `1 ${one}` : `${n.toLocaleString("en")} ${many}`;
}

/** What both pages say. */
export const shared = {
  cancel: "Cancel",
  theme: "Theme",
  themes: { system: "System", light: "Light", dark: "Dark" },
  language: "Language",
  languageSystem: "As the browser",
};

/** What the chat page says. */
export const chat = {
  newChat: "New chat",
  chats: "Chats",
};

/** What the panel says. */
export const panel = {
  rows: (n: number) => count(n, "row", "rows"),
};
