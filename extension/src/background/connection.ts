// The connection to the bridge as the settings want it, and how a bridge is paired: tried for real, then kept.

import { SITE } from "./address";
import { Link, type Bridge, type Trouble } from "./link";
import { given } from "./pairing";
import type { Event } from "./state";
import { MAX_CAPACITY, type Settings, type Store } from "./store";
import { socketURL, type FromBridge, type Holding, type ToBridge } from "./wire";

/** How long a person who pairs waits for the server. */
const PAIR_WITHIN_MS = 15_000;

export interface ConnectionEnv {
  store: Pick<Store, "raise" | "saveSettings" | "savePairedFrom">;
  /** What we hold, for hello. */
  holding(): Holding[];
  /** What the bridge says, but for what the connection needs itself; welcome comes first. */
  received(m: Exclude<FromBridge, { type: "ping" | "bye" }>): void;
  dispatch(event: Extract<Event, { type: "offline" | "settings" | "let_go" }>): void;
  note(text: string): void;
  /** Something that is shown has changed, or there is something to wait for. */
  changed(): void;
}

export class Connection {
  settings: Settings | null = null;
  account = "";
  private trial: { bridge: Bridge; done: (ok: boolean, sentence: string) => void } | null = null;
  readonly link: Link;

  constructor(private readonly env: ConnectionEnv) {
    this.link = new Link({
      raise: () => env.store.raise(),
      hello: (who) => this.hello(who),
      open: (url, protocol) => new WebSocket(url, protocol),
      now: () => performance.now(),
      random: Math.random,
      received: (m) => this.received(m),
      // Firefox counts calls to the browser, not messages on a socket, as life.
      pinged: () => void chrome.runtime.getPlatformInfo(),
      lost: (trouble) => this.lost(trouble),
    });
  }

  /** Takes up what was kept, and what a copy of the extension that was written for a bridge says. */
  async restore(settings: Settings | null, pairedFrom: string): Promise<void> {
    this.settings = settings;
    const pairing = await given(pairedFrom);
    if (!pairing) return;
    this.settings = { name: "", capacity: 1, paused: false, ...settings, ...pairing.pairing, halted: null };
    await this.env.store.saveSettings(this.settings);
    await this.env.store.savePairedFrom(pairing.digest);
  }

  /** Connects or keeps away, as the settings say. */
  want(): void {
    const s = this.settings;
    const away = !s || s.halted !== null || (s.paused && this.env.holding().length === 0);
    this.link.want(away ? null : { server: s.server, key: s.key });
    this.env.changed();
  }

  /** Connects at once, also where it was told to keep away. */
  async hurry(): Promise<void> {
    if (this.settings?.halted) await this.change({ halted: null });
    this.link.hurry();
  }

  pause(paused: boolean): Promise<void> {
    return this.change({ paused });
  }

  async rename(name: string, capacity: number): Promise<void> {
    if (!this.settings) return;
    await this.change({ name: name.trim().slice(0, 100), capacity: Math.min(Math.max(1, Math.floor(capacity) || 1), MAX_CAPACITY) });
    this.link.hangUp("the settings have changed"); // hello says them
    this.link.hurry();
  }

  /** Tries a server and key for real; only where it says welcome are they kept. */
  pair(bridge: Bridge, tell: (ok: boolean, sentence: string) => void): void {
    try {
      socketURL(bridge.server);
    } catch (error) {
      return tell(false, error instanceof Error ? error.message : "This is not a URL.");
    }
    this.trial?.done(false, "Another try has begun.");
    const late = setTimeout(() => this.trial?.done(false, "The server did not answer within 15 seconds. Is it running, and is the URL right?"), PAIR_WITHIN_MS);
    this.trial = null;
    this.link.want(null);
    this.trial = {
      bridge,
      done: (ok, sentence) => {
        clearTimeout(late);
        this.trial = null;
        if (ok) {
          this.settings = { name: "", capacity: 1, ...this.settings, ...bridge, paused: false, halted: null };
          void this.env.store.saveSettings(this.settings).then(
            () => tell(true, sentence),
            () => tell(false, "Connected, but the browser's storage can't be written: it will not last. Look at the disk, then try again."),
          );
          this.tellSettings(this.settings);
        } else {
          this.link.want(null);
          tell(false, sentence);
        }
        this.want(); // the one that was kept
      },
    };
    this.link.want(bridge);
  }

  async unpair(): Promise<void> {
    this.settings = null;
    this.account = "";
    this.link.want(null);
    await this.env.store.saveSettings(null);
    this.env.dispatch({ type: "let_go" });
    this.env.note("Unpaired.");
  }

  private hello(who: { worker_id: string; n: number }): Extract<ToBridge, { type: "hello" }> {
    return {
      type: "hello",
      key: (this.trial?.bridge ?? this.settings)?.key ?? "",
      ...who,
      name: this.settings?.name || "Browser extension",
      version: VERSION,
      site: new URL(SITE).host,
      capacity: this.settings?.capacity ?? 1,
      holding: this.env.holding(),
    };
  }

  private received(m: Exclude<FromBridge, { type: "ping" | "bye" }>): void {
    if (m.type === "welcome") {
      this.account = m.account;
      this.env.note(`Connected as ${m.account}.`);
      this.trial?.done(true, `Connected as ${m.account}.`);
    }
    this.env.received(m);
  }

  private lost(trouble: Trouble): void {
    this.env.dispatch({ type: "offline" });
    if (trouble.kind === "bye") this.env.note(`The server said ${trouble.code}: ${trouble.reason}`);
    if (this.trial) {
      const sentence = trouble.kind === "bye" ? trouble.reason : `${trouble.detail} Is the server running, and is the URL right?`;
      return this.trial.done(false, sentence);
    }
    if (trouble.kind === "bye" && (trouble.code === "bad_key" || trouble.code === "replaced")) void this.change({ halted: trouble.code });
  }

  private async change(to: Partial<Settings>): Promise<void> {
    if (!this.settings) return;
    this.settings = { ...this.settings, ...to };
    await this.env.store.saveSettings(this.settings);
    this.tellSettings(this.settings);
    this.want();
  }

  private tellSettings({ capacity, paused }: Settings): void {
    this.env.dispatch({ type: "settings", capacity, paused });
  }
}
