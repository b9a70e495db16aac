// Pairing without a hand on it: a copy of the extension that the program wrote for a server carries pairing.json.

import { isObject } from "./wire";

export interface Pairing {
  server: string;
  key: string;
}

/**
 * What pairing.json beside the manifest says, if it is there and was not taken up before (from: the digest of what was).
 * A copy that is written anew with another key is so paired anew, and one that a person has unpaired stays so.
 */
export async function given(from: string): Promise<{ pairing: Pairing; digest: string } | null> {
  let text: string;
  try {
    const response = await fetch(chrome.runtime.getURL("pairing.json"));
    if (!response.ok) return null;
    text = await response.text();
  } catch {
    return null; // there is none
  }
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  const digest = Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (digest === from) return null;
  try {
    const json: unknown = JSON.parse(text);
    if (isObject(json) && typeof json.server === "string" && typeof json.key === "string") return { pairing: { server: json.server, key: json.key }, digest };
  } catch {
    // not ours to mend
  }
  return null;
}
