import { batch, signal } from "@preact/signals";
import { ApiError, call, type Call, type Reply } from "../shared/api";
import { local, session } from "../shared/storage";

const STORED = "chatbridge.key";

/** The API key in use; null while logged out. */
export const key = signal<string | null>(local.get(STORED) ?? session.get(STORED));

/** The server refused the key after it had worked: the form then lies over the page, which stays as it is. */
export const refused = signal(false);

/**
 * Tries a key with the server and, if it is taken, uses it from now on. `remember`: also after the browser was closed.
 * Throws ApiError if it is not taken.
 */
export async function logIn(candidate: string, remember: boolean): Promise<void> {
  await call("/api/chat/chats/?limit=1", { headers: { "X-API-Key": candidate } });
  (remember ? session : local).remove(STORED);
  (remember ? local : session).set(STORED, candidate);
  use(candidate);
}

/** Forgets the key. */
export function logOut(): void {
  local.remove(STORED);
  session.remove(STORED);
  use(null);
}

/** Keeps to what another tab does with the remembered key: logs in there, or logs out. A key of this tab alone stays. */
export function followOtherTabs(): void {
  addEventListener("storage", (event) => {
    if (event.key !== STORED || session.get(STORED) !== null) return;
    if (event.newValue !== null && (key.peek() === null || refused.peek())) use(event.newValue);
    if (event.newValue === null && event.oldValue === key.peek()) use(null);
  });
}

function use(next: string | null): void {
  batch(() => {
    key.value = next;
    refused.value = false;
  });
}

/** Calls the client API with the key. A 401 asks for the key again. Throws as `call` does. */
export async function ask<T>(path: string, options: Call = {}): Promise<Reply<T>> {
  const used = key.peek() ?? "";
  try {
    return await call<T>(path, { ...options, headers: { ...options.headers, "X-API-Key": used } });
  } catch (error) {
    // An answer to a key that was replaced meanwhile says nothing about the new one.
    if (error instanceof ApiError && error.status === 401 && used === key.peek()) refused.value = true;
    throw error;
  }
}
