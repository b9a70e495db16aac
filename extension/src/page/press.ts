import type { Composer } from "./composer";
import { Failure, SENTENCES } from "./failure";
import { covered } from "./cover";
import type { Finder } from "./find";

/** Why the button cannot be pressed now, or the button. It looks only; `ready` is what must hold in one task with a press. */
export function ready(finder: Finder, composer: Composer, message: string): HTMLElement | Failure {
  finder.forget();
  const field = finder.composer();
  if (!field) return new Failure("page_changed", SENTENCES.page_changed);
  if (finder.find("attachment")) return new Failure("worker_error", "A file of somebody else is attached in the composer. Nothing was sent.");
  if (!composer.holds(message)) return new Failure("worker_error", "The composer no longer holds exactly this message: somebody typed there, or the page changed it. Nothing was sent.");
  if (finder.find("stop")) return new Failure("worker_error", "Another answer runs in this chat. Nothing was sent.");
  if (covered(finder)) return new Failure("page_changed", "A dialog covers the chat page. Answer it there. Nothing was sent.");
  const button = finder.find("send")?.element;
  if (!button) return new Failure("page_changed", "The send button was not found. Run the doctor, and take a newer pack or extension. Nothing was sent.");
  if (isDisabled(button)) return new Failure("page_changed", "The page does not let the message be sent: its button is disabled. Nothing was sent.");
  return button;
}

/** Looks, and presses once, in one task: nothing of the page runs in between. */
export function press(finder: Finder, composer: Composer, message: string): Failure | null {
  const button = ready(finder, composer, message);
  if (button instanceof Failure) return button;
  button.click();
  return null;
}

export function isDisabled(element: Element): boolean {
  return element.hasAttribute("disabled") || element.getAttribute("aria-disabled") === "true" || element.hasAttribute("data-disabled") || element.closest("[inert]") !== null;
}
