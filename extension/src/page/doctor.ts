import type { Hook } from "../messages";
import type { WantedOn } from "../pack/types";
import type { Finder } from "./find";
import { hookNames } from "./find";
import { chatIdAt } from "./location";
import { INVARIANTS } from "./invariants";
import type { Pickers } from "./picker";
import type { Hub } from "./stream/hub";

const WANTED: Record<WantedOn, string> = { always: "every page", text: "with text", answering: "while answering", chat: "in a chat", sometimes: "sometimes" };

/** Runs all hooks on the page as it is. Nothing is clicked, opened, typed or sent. */
export function examine(finder: Finder, pickers: Pickers, hub: Hub, location: Location): Hook[] {
  finder.forget();
  const turns = finder.turns();
  const last = (role: "user" | "assistant"): HTMLElement | null => turns.findLast((turn) => finder.roleOf(turn) === role) ?? null;
  const asked = last("user");
  const answered = last("assistant");
  const hooks: Hook[] = hookNames.map((name) => {
    const turn = name === "turn_user" || name === "user_text" ? asked : answered;
    const found = INVARIANTS[name].scope === "turn" ? turn && finder.find(name, turn) : finder.find(name, null, chatIdAt(location, finder.pack) ?? "");
    return row(name, found?.alternative, WANTED[finder.pack.hooks[name].wanted_on]);
  });
  for (const picker of finder.pack.pickers) hooks.push(row(`picker_${picker.name}`, pickers.button(picker)?.alternative, "where there are modes"));
  hooks.push(row("reader", hub.here ? "main world" : undefined, WANTED.always));
  return hooks;
}

function row(name: string, alternative: string | undefined, wantedOn: string): Hook {
  return { name, found: alternative !== undefined, alternative: alternative ?? "", wanted_on: wantedOn };
}
