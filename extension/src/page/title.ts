import { chatIdAt, isTemporary } from "./location";
import type { Senses } from "./answer";
import type { Transcript } from "./stream/transcript";

/** What a chat is called, by whatever tells it: its stream, what the page read back, the list of chats, the document. */
export function titleOf(chatId: string | null, transcript: Transcript | null, { finder, hub, window }: Pick<Senses, "finder" | "hub" | "window">): string | null {
  const { document, location } = window;
  if (isTemporary(location)) return null;
  const read = hub.readBack?.read;
  const entry = chatId ? finder.find("title", null, chatId)?.element.textContent : null;
  // The document's title is this chat's only while the page is on it.
  const shown = chatId !== null && chatIdAt(location, finder.pack) === chatId ? document.title : null;
  for (const title of [transcript?.title, read?.chatId === chatId ? read?.title : null, entry, shown]) {
    const name = title?.replace(/\s+/g, " ").trim();
    if (name && !finder.pack.no_titles.includes(name)) return name.toWellFormed().slice(0, 500);
  }
  return null;
}
