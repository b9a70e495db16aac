import type { FirstRunFacts } from "../types";

/** The steps from an empty server to the first webhook, in order. */
export type StepName = "account" | "extension" | "connected" | "test" | "webhook";

/** Which steps are done. Whoever was answered had a browser connected, also if it is away now. */
export function done(facts: FirstRunFacts): Record<StepName, boolean> {
  return {
    account: facts.account,
    extension: facts.worker_seen || facts.answered,
    connected: facts.worker_connected || facts.answered,
    test: facts.answered,
    webhook: facts.delivered,
  };
}

/** Whether nothing of the first steps is left. */
export function stepsDone(facts: FirstRunFacts): boolean {
  return Object.values(done(facts)).every(Boolean);
}
