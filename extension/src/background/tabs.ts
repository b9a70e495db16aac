// The tabs of our own: opened, led, found again. What is done with them is decided in seating.ts.

import { SITE_PATTERN } from "./address";
import type { KeptTab } from "./store";

/** Under this name a tab of ours carries its token, which outlives a reload and a restored session. */
const TOKEN = "chatbridge-tab";

/** How long a tab may take to tell its token: one that is not loaded never does. */
const TOKEN_WITHIN_MS = 2_000;

/** Opens a tab beside what the person does: pinned, in the background, never discarded. */
export async function open(url: string): Promise<number> {
  const windows = await chrome.windows.getAll({ windowTypes: ["normal"] });
  const home = windows.filter((w) => !w.incognito).sort((a, b) => Number(b.focused) - Number(a.focused))[0];
  const tab = home?.id === undefined ? (await chrome.windows.create({ url, focused: false }))?.tabs?.[0] : await chrome.tabs.create({ windowId: home.id, url, pinned: true, active: false });
  if (tab?.id === undefined) throw new Error("the browser opened none");
  await keep(tab.id);
  return tab.id;
}

async function keep(id: number): Promise<void> {
  try {
    await chrome.tabs.update(id, { pinned: true, autoDiscardable: false });
  } catch {
    await chrome.tabs.update(id, { pinned: true }).catch(() => undefined); // Firefox knows no autoDiscardable
  }
}

export async function navigate(id: number, url: string): Promise<void> {
  await chrome.tabs.update(id, { url });
}

export async function close(id: number): Promise<void> {
  await chrome.tabs.remove(id).catch(() => undefined); // it is gone already
}

/** Brings a tab to the front, in answer to a person's click. */
export async function show(id: number): Promise<void> {
  const tab = await chrome.tabs.update(id, { active: true });
  if (tab?.windowId !== undefined) await chrome.windows.update(tab.windowId, { focused: true });
}

/**
 * Looks what a tab shows; where it is the site, its scripts are injected if they are not there. load: an address to load
 * anew instead, unless a person is looking at that tab.
 */
export async function look(id: number, load: string | null): Promise<"gone" | "away" | "there"> {
  let tab: chrome.tabs.Tab;
  try {
    tab = await chrome.tabs.get(id);
  } catch {
    return "gone";
  }
  // Without access to its host the address is not told; a tab that is still on its way shows where it goes.
  const on = tab.pendingUrl ?? tab.url ?? "";
  const away = !on.startsWith("https://chatgpt.com/") && on !== "about:blank";
  const watched = tab.active && (await focused(tab.windowId));
  if (load !== null && !watched) await navigate(id, load);
  else if (!away) await inject(id);
  return away ? "away" : "there";
}

async function focused(windowId: number): Promise<boolean> {
  const w = await chrome.windows.get(windowId).catch(() => null);
  return w?.focused === true;
}

/** Puts both scripts into a page that has none of this build: after an update, or where the browser left them out. */
export async function inject(id: number): Promise<void> {
  const target = { tabId: id };
  try {
    await chrome.scripting.executeScript({ target, files: ["page.js"], injectImmediately: true });
    await chrome.scripting.executeScript({ target, files: ["main.js"], injectImmediately: true, world: "MAIN" });
  } catch {
    // The page can't be scripted now: an error page, or no access. It is looked at again.
  }
}

/** After an update, the tabs of the site hold scripts that can't reach us any more. */
export async function injectAll(attached: (id: number) => boolean): Promise<void> {
  for (const tab of await chrome.tabs.query({ url: SITE_PATTERN })) if (tab.id !== undefined && !tab.discarded && !attached(tab.id)) await inject(tab.id);
}

/** Marks a tab as ours, for after a restart of the browser. */
export async function mark(id: number, token: string): Promise<void> {
  await run(id, (name: string, value: string) => sessionStorage.setItem(name, value), [TOKEN, token]).catch(() => undefined); // then it is not found again
}

export async function tokenOf(id: number): Promise<string | null> {
  const late = new Promise<null>((resolve) => setTimeout(() => resolve(null), TOKEN_WITHIN_MS));
  return Promise.race([run(id, (name: string) => sessionStorage.getItem(name), [TOKEN]).catch(() => null), late]);
}

async function run<A extends unknown[], R>(id: number, func: (...args: A) => R, args: A): Promise<R | null> {
  const [result] = await chrome.scripting.executeScript({ target: { tabId: id }, func, args, injectImmediately: true });
  return (result?.result as R | undefined) ?? null;
}

/** Which of the tabs that were ours are still there. fresh: the browser has started since, and ids mean nothing any more. */
export async function recover(kept: KeptTab[], fresh: boolean): Promise<KeptTab[]> {
  if (kept.length === 0) return [];
  const open = await chrome.tabs.query({});
  if (!fresh) return kept.filter((k) => open.some((tab) => tab.id === k.id));
  const found: KeptTab[] = [];
  for (const tab of open) {
    const id = tab.id;
    if (id === undefined || !tab.pinned || !tab.url?.startsWith("https://chatgpt.com/")) continue;
    const left = kept.filter((k) => !found.some((f) => f.token === k.token));
    const token = tab.discarded ? null : await tokenOf(id);
    const match = left.find((k) => (tab.discarded ? k.url === tab.url : k.token === token));
    if (match) {
      await keep(id);
      found.push({ ...match, id, url: tab.url });
    }
  }
  return found;
}
