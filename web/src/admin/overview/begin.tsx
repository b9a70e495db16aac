import { Button } from "../../shared/ui";
import { local } from "../../shared/storage";
import { useLoad } from "../load";
import { go } from "../router";
import { t } from "../texts";
import type { Overview } from "../types";
import { stepsDone } from "./steps";

const HIDDEN_KEY = "chatbridge.firstRunHidden";

/** Whether a person has put the first steps away in this browser. */
export const stepsHidden = (): boolean => local.get(HIDDEN_KEY) !== null;

/** Puts the first steps away, or shows them again. */
export function hideSteps(hide: boolean): void {
  if (hide) local.set(HIDDEN_KEY, "1");
  else local.remove(HIDDEN_KEY);
}

/** Whether the first steps were under way since the panel was opened: then their end is worth a word. */
export const steps = { begun: false };

/** Whether somebody is on the way through the first steps: one of them was left when the view was opened. Null until that is known. */
export function useBeginning(): boolean | null {
  const overview = useLoad<Overview>("/api/admin/overview/").data?.body;
  if (!overview) return null;
  const beginning = !stepsDone(overview.first_run) && !stepsHidden();
  if (beginning) steps.begun = true;
  return beginning;
}

/** The way back to the first steps. */
export function ToSteps() {
  return (
    <Button kind="main" onClick={() => go("/admin/")}>
      {t.firstRun.back}
    </Button>
  );
}
