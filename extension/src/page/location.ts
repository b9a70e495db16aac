import { matchPaths } from "../pack/paths";
import type { Pack } from "../pack/types";

/** The chat's id in the page's address; null where there is none, or one that passes away again. */
export function chatIdAt(location: Pick<Location, "pathname">, pack: Pack): string | null {
  const id = matchPaths(pack.chat_paths, location.pathname)?.chat ?? null;
  return isChatId(id, pack) ? id : null;
}

export function isChatId(id: string | null, pack: Pack): id is string {
  return id !== null && /^[0-9a-zA-Z-]{1,200}$/.test(id) && !pack.passing_ids.some((start) => id.startsWith(start));
}

export function isTemporary(location: Pick<Location, "search">): boolean {
  return new URLSearchParams(location.search).get("temporary-chat") === "true";
}
