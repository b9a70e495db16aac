// The content script: hands of the background in one page of the chat site.
import type { ToPage } from "../messages";
import { defaultPack } from "../pack/default";
import { validatePack } from "../pack/validate";
import { Attempts } from "./attempt";
import { Clock } from "./clock";
import { Composer } from "./composer";
import { examine } from "./doctor";
import { Finder } from "./find";
import { HealthTeller } from "./health";
import { Modes } from "./modes";
import { Person } from "./person";
import { Pickers } from "./picker";
import { Line } from "./port";
import { Hub } from "./stream/hub";
import { Troubles } from "./trouble";
import { Changes } from "./wait";

// The background may put this script into a page that has it: the world is the same then, and one is enough.
const RUNNING = Symbol.for("chatbridge page");
const world = globalThis as { [RUNNING]?: boolean };
if (!world[RUNNING]) {
  world[RUNNING] = true;
  start();
}

function start(): void {
  // Only while something is to be done here: a person's own tabs ask nothing.
  const clock: Clock = new Clock(
    () => document.visibilityState === "hidden" && attempts.busy,
    (id, ms) => line.post({ type: "wake", id, ms }),
  );
  const hidden = (): void => clock.slowed();
  document.addEventListener("visibilitychange", hidden);
  const changes = new Changes(document, clock);
  const finder = new Finder(defaultPack, document);
  // Before the page's scripts run: the reader in the page's world learns its nonce now.
  const hub = new Hub(window, defaultPack.stream, () => changes.tell());
  const person = new Person(
    document,
    () => finder.composer(),
    (element) => finder.find("stop")?.element.contains(element) ?? false,
  );
  const troubles = new Troubles(finder, location);
  const composer = new Composer(finder, person, changes, navigator.userAgent.includes("Firefox/"));
  const pickers = new Pickers(finder, changes);
  const attempts = new Attempts({ finder, hub, changes, troubles, person, window }, composer, new Modes(finder, pickers), (message) => line.post(message), () => health.admit());
  const health: HealthTeller = new HealthTeller(finder, troubles, composer, changes, attempts, (message) => line.post(message));

  const hear = (m: ToPage): void => {
    switch (m.type) {
      case "prepare":
        return attempts.prepare(m);
      case "press":
        return attempts.press(m);
      case "watch":
        return attempts.watch(m);
      case "abandon":
        return void attempts.abandon(m);
      case "woke":
        return clock.woke(m.id);
      case "doctor":
        return line.post({ type: "doctor", id: m.id, hooks: examine(finder, pickers, hub, location) });
      case "pack": {
        const verdict = validatePack(m.pack);
        if (!verdict.ok || verdict.pack.version === finder.pack.version) return;
        finder.use(verdict.pack);
        hub.use(verdict.pack.stream);
        return health.look();
      }
    }
  };

  const line: Line = new Line(
    () => {
      // The line is not known by its name yet when it is opened first.
      queueMicrotask(() => {
        line.post({ type: "hello", url: location.href, visible: document.visibilityState === "visible", build: VERSION });
        health.again();
      });
    },
    (message) => {
      hear(message);
      // Word from the background is worth a look; that a wait is over has its own.
      if (message.type !== "woke") changes.tell();
    },
    () => {
      // The script that takes this one's place has a text that lies ready look over again, or takes it out.
      world[RUNNING] = false;
      attempts.close();
      health.close();
      person.close();
      hub.close();
      changes.close();
      clock.close();
      document.removeEventListener("visibilitychange", hidden);
    },
  );
}
