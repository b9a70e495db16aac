import { useEffect } from "preact/hooks";
import { now, tick } from "../shared/time";

/** Milliseconds from now to a moment, drawn anew each second; negative once it is over, 0 without a moment. */
export function useLeft(until: string | null): number {
  useEffect(() => (until ? tick() : undefined), [until]);
  return until ? Date.parse(until) - now.value : 0;
}
