import { signal } from "@preact/signals";
import { local } from "./storage";

/** What a person chose: follow the system, or one of the two. */
export type Theme = "system" | "light" | "dark";

/** The name under which the choice is stored; theme-boot.ts reads it before the first paint. */
export const THEME_KEY = "chatbridge.theme";

const stored = local.get(THEME_KEY);

/** The choice in force. */
export const theme = signal<Theme>(stored === "light" || stored === "dark" ? stored : "system");

/** Sets the choice, at once and for later visits. */
export function chooseTheme(choice: Theme): void {
  theme.value = choice;
  if (choice === "system") {
    local.remove(THEME_KEY);
    delete document.documentElement.dataset.theme;
  } else {
    local.set(THEME_KEY, choice);
    document.documentElement.dataset.theme = choice;
  }
}
