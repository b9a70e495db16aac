// A browser has six connections to a host over HTTP/1.1, for all its tabs together. EventSources that hold them all would starve every
// other call, so the tabs share a few slots: who gets none takes a WebSocket, which is not counted among the six.
import { freshToken } from "../shared/random";
import { local } from "../shared/storage";

/** How many EventSources the tabs of a browser have open at once, at most. */
const SLOTS = 4;

/** Where Web Locks are missing (plain http): how often a held slot says so, and after how long without that it is free. Milliseconds. */
const RENEW_EVERY = 4_000;
const FREE_AFTER = 15_000;

/** How long tabs that write to the same slot at once mostly need to see each other. Milliseconds. */
const SETTLES = 100;

const nameOf = (slot: number) => `chatbridge.stream.${slot}`;

/** Gives a slot back. */
export type Release = () => void;

/** Takes one of the slots; null if all are taken. `lost`: another tab turned out to have it too, and keeps it. */
export async function takeSlot(lost: () => void): Promise<Release | null> {
  for (let slot = 0; slot < SLOTS; slot++) {
    const release = await ("locks" in navigator ? byLock(nameOf(slot)) : byStorage(nameOf(slot), lost));
    if (release) return release;
  }
  return null;
}

function byLock(name: string): Promise<Release | null> {
  return new Promise((resolve) => {
    const held = navigator.locks.request(name, { ifAvailable: true }, (lock) => {
      if (lock) return new Promise<void>((release) => resolve(release));
      resolve(null);
      return undefined;
    });
    held.catch(() => resolve(null)); // the browser forbids locks: a WebSocket then
  });
}

/** Slots as entries that their holders renew. Tabs see each other's writes late, so two may think one theirs: the one that wrote last keeps it. */
async function byStorage(name: string, lost: () => void): Promise<Release | null> {
  const token = freshToken();
  const write = () => local.set(name, `${token} ${Date.now()}`);
  if (Date.now() - Number(local.get(name)?.split(" ")[1] ?? 0) < FREE_AFTER) return null;
  write();
  await new Promise((done) => setTimeout(done, SETTLES));
  const mine = () => local.get(name)?.startsWith(token) ?? false;
  if (!mine()) return null;
  const look = () => {
    if (mine()) return true;
    release();
    lost();
    return false;
  };
  const timer = setInterval(() => look() && write(), RENEW_EVERY);
  const heard = (event: StorageEvent) => event.key === name && event.newValue !== null && look();
  const release = () => {
    clearInterval(timer);
    removeEventListener("storage", heard);
    removeEventListener("pagehide", release);
    if (mine()) local.remove(name);
  };
  addEventListener("storage", heard);
  addEventListener("pagehide", release);
  return release;
}
