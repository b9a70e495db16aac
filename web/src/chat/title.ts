import type { Chat } from "../shared/types";
import { t } from "./texts";

/** A chat's name for people: its title, or where it has none yet, its number. */
export function titleOf(chat: Pick<Chat, "id" | "title">): string {
  return chat.title || t.untitled(chat.id);
}
