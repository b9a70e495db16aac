// The line that the admin panel shows: the server's URL, white space, a key.

import { socketURL } from "../background/wire";

export type Line = { ok: true; server: string; key: string } | { ok: false; sentence: string };

/** A pasted text as one line: what is copied may have spaces and line ends around it, and between the two. */
export function oneLine(text: string): string {
  return text.trim().replace(/\s+/g, " ");
}

export function parseLine(line: string): Line {
  const words = oneLine(line).split(" ").filter(Boolean);
  const [server, key] = words;
  if (server === undefined) return { ok: false, sentence: "Paste the line that the admin panel makes: the URL and the key." };
  try {
    socketURL(server);
  } catch (error) {
    return { ok: false, sentence: error instanceof Error ? error.message : "This is not a URL." };
  }
  if (key === undefined) return { ok: false, sentence: "The key is missing behind the URL. The admin panel makes both in one line: copy it again." };
  if (words.length > 2) return { ok: false, sentence: "There is more than a URL and a key, and neither holds white space. Copy the line again." };
  return { ok: true, server, key };
}
