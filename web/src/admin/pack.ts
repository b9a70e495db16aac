import { t } from "./texts";

/** As much of a selector pack as the panel reads; the server checks the whole. */
export interface Pack {
  version: number;
  note: string | null;
  hooks: number;
  signed: boolean;
  /** The pack itself. */
  json: Record<string, unknown>;
}

/** Reads a pack as it is pasted; a sentence if it can't be one. */
export function readPack(text: string): Pack | string {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return t.packs.notJson(error instanceof Error ? error.message : "");
  }
  const pack = packOf(json);
  if (!pack) return t.packs.notObject;
  return Number.isSafeInteger(pack.version) ? pack : t.packs.noVersion;
}

/** What a pack says of itself; null if it is no JSON object. */
export function packOf(json: unknown): Pack | null {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return null;
  const { version, note, hooks, signature } = json as Record<string, unknown>;
  return {
    version: typeof version === "number" ? version : NaN,
    note: typeof note === "string" ? note : null,
    hooks: typeof hooks === "object" && hooks !== null ? Object.keys(hooks).length : 0,
    signed: typeof signature === "object" && signature !== null,
    json: json as Record<string, unknown>,
  };
}
