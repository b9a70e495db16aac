// What the background keeps in the browser's storage. Each write is awaited by whom it guards.

import type { Phase } from "../messages";
import { keyOf, type Kept, type Suspicion, type Tab } from "./state";
import { isObject } from "./wire";

/** The part of chrome.storage.local that is used. */
export interface Area {
  get(keys: string | null): Promise<Record<string, unknown>>;
  set(items: Record<string, unknown>): Promise<void>;
  remove(keys: string[]): Promise<void>;
}

export interface Settings {
  server: string;
  /** Never shown again and never logged. */
  key: string;
  /** What the admin panel calls this browser; "" for a default. */
  name: string;
  capacity: number;
  paused: boolean;
  /** After these the bridge is left alone until a person acts. */
  halted: "bad_key" | "replaced" | null;
}

export const MAX_CAPACITY = 5;

/** A tab of ours as it is found again: by its id, or after a restart of the browser by the token in its sessionStorage. */
export type KeptTab = Pick<Tab, "id" | "url" | "use"> & { token: string };

/** Selector packs: the one in use where it is newer than the built-in one, the one that waits, the newest that was declined. */
export interface KeptPacks {
  pack: unknown;
  waiting: unknown;
  declined: number;
}

export interface Noted {
  at: number;
  text: string;
}

/** How many events are kept for people to see. */
const MAX_EVENTS = 50;

const ATTEMPT = "attempt/";

/** Of a suspicion only the code outlives us: it is looked into at once. */
const LONG_AGO = { wall: 0, mono: -1e12 };

export class Store {
  private n = 0;
  private workerID = "";
  private events: Noted[] = [];

  constructor(private readonly area: Area) {}

  /** Reads all of it. What can't be read is left out, and with an attempt that is the truth: it is lost. */
  async load(): Promise<{
    settings: Settings | null;
    kept: Kept[];
    tabs: KeptTab[];
    suspicion: Suspicion | null;
    packs: KeptPacks;
    pairedFrom: string;
    events: Noted[];
  }> {
    const all = await this.area.get(null);
    const identity = isObject(all.identity) ? all.identity : {};
    this.workerID = typeof identity.worker_id === "string" ? identity.worker_id : "";
    this.n = typeof identity.n === "number" ? identity.n : 0;
    this.events = Array.isArray(all.events) ? (all.events as Noted[]) : [];
    return {
      settings: settingsOf(all.settings),
      kept: Object.entries(all).flatMap(([name, value]) => (name.startsWith(ATTEMPT) ? (keptOf(value) ?? []) : [])),
      tabs: Array.isArray(all.tabs) ? (all.tabs as KeptTab[]) : [],
      suspicion: isObject(all.suspicion) && typeof all.suspicion.code === "string" ? { code: all.suspicion.code, since: LONG_AGO, checked: LONG_AGO, looks: 0 } : null,
      packs: packsOf(all.packs),
      pairedFrom: typeof all.paired_from === "string" ? all.paired_from : "",
      events: this.events,
    };
  }

  /**
   * Makes n larger than any before and returns it once it is stored. It is at least the time, so that a worker that lost
   * its storage but not its id still counts as newer.
   */
  async raise(): Promise<{ worker_id: string; n: number }> {
    this.workerID ||= `ext_${crypto.randomUUID()}`;
    this.n = Math.max(this.n + 1, Date.now());
    const who = { worker_id: this.workerID, n: this.n };
    await this.area.set({ identity: who });
    return who;
  }

  saveAttempt(kept: Kept): Promise<void> {
    return this.area.set({ [ATTEMPT + keyOf(kept.request)]: kept });
  }

  eraseAttempt(key: string): Promise<void> {
    return this.area.remove([ATTEMPT + key]);
  }

  saveSettings(settings: Settings | null): Promise<void> {
    return this.put("settings", settings);
  }

  saveTabs(tabs: KeptTab[]): Promise<void> {
    return this.put("tabs", tabs);
  }

  saveSuspicion(suspicion: Suspicion | null): Promise<void> {
    return this.put("suspicion", suspicion);
  }

  savePacks(packs: KeptPacks): Promise<void> {
    return this.put("packs", packs);
  }

  savePairedFrom(digest: string): Promise<void> {
    return this.put("paired_from", digest);
  }

  /** Keeps an event for people; never a key, a message or an answer. */
  note(text: string): Noted[] {
    this.events = [...this.events, { at: Date.now(), text }].slice(-MAX_EVENTS);
    void this.put("events", this.events).catch(() => undefined); // only shown
    return this.events;
  }

  private put(name: string, value: unknown): Promise<void> {
    return value === null ? this.area.remove([name]) : this.area.set({ [name]: value });
  }
}

function settingsOf(v: unknown): Settings | null {
  if (!isObject(v) || typeof v.server !== "string" || typeof v.key !== "string") return null;
  const capacity = typeof v.capacity === "number" ? Math.min(Math.max(1, Math.floor(v.capacity)), MAX_CAPACITY) : 1;
  return {
    server: v.server,
    key: v.key,
    name: typeof v.name === "string" ? v.name : "",
    capacity,
    paused: v.paused === true,
    halted: v.halted === "bad_key" || v.halted === "replaced" ? v.halted : null,
  };
}

function packsOf(v: unknown): KeptPacks {
  if (!isObject(v)) return { pack: null, waiting: null, declined: 0 };
  return { pack: v.pack ?? null, waiting: v.waiting ?? null, declined: typeof v.declined === "number" ? v.declined : 0 };
}

const PHASES: readonly string[] = ["opening", "typing", "submitted", "answering"] satisfies Phase[];

/** An attempt as saveAttempt wrote it; null where something of it is missing. */
function keptOf(v: unknown): Kept | null {
  if (!isObject(v) || !isObject(v.request) || typeof v.phase !== "string" || !PHASES.includes(v.phase)) return null;
  const { request_id, attempt, message } = v.request;
  if (typeof request_id !== "string" || typeof attempt !== "number" || typeof message !== "string") return null;
  return v as unknown as Kept;
}
