import { signedBytes } from "./canonical";
import type { Pack } from "./types";

/**
 * Whether the pack carries an Ed25519 signature by the holder of this public key (64 hex digits) over signedBytes(pack).
 *
 * Ed25519 is in WebCrypto since Chromium 137 and Firefox 129. Where it is missing, and without a key, no pack counts as
 * signed: it then waits for a person's click, as every pack may.
 */
export async function isSigned(pack: Pack, publicKeyHex: string): Promise<boolean> {
  if (!/^[0-9a-f]{64}$/i.test(publicKeyHex) || pack.signature?.algorithm !== "ed25519") return false;
  try {
    const key = await crypto.subtle.importKey("raw", fromHex(publicKeyHex), { name: "Ed25519" }, false, ["verify"]);
    return await crypto.subtle.verify({ name: "Ed25519" }, key, fromBase64(pack.signature.value), signedBytes(pack));
  } catch {
    return false;
  }
}

function fromHex(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
