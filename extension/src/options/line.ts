// The line that the admin panel shows: the server's URL, white space, a key.

import { socketURL } from "../background/wire";

export type Line = { ok: true; server: string; key: string } | { ok: false; sentence: string };

export function parseLine(line: string): Line {
  const words = line.trim().split(/\s+/).filter(Boolean);
  const [server, key] = words;
  if (server === undefined) return { ok: false, sentence: "Paste the line that the admin panel shows: the URL and the key." };
  try {
    socketURL(server);
  } catch (error) {
    return { ok: false, sentence: error instanceof Error ? error.message : "This is not a URL." };
  }
  if (key === undefined) return { ok: false, sentence: "The key is missing behind the URL. The admin panel shows both in one line." };
  if (words.length > 2) return { ok: false, sentence: "There is more than a URL and a key. Neither holds white space." };
  return { ok: true, server, key };
}
