// What a person may send to someone who helps: no key, no message, no answer, not even the account's name.

import type { Hook } from "../messages";
import type { View } from "../view";

export function diagnosis(v: View, hooks: Hook[] | null): string {
  return JSON.stringify(
    {
      condition: v.condition,
      detail: v.detail,
      version: v.version,
      pack: v.pack,
      pack_waiting: v.packWaiting,
      capacity: v.capacity,
      browser: navigator.userAgent,
      hooks,
      events: v.events.map((e) => `${new Date(e.at).toISOString()} ${v.account ? e.text.replaceAll(v.account, "(account)") : e.text}`),
    },
    null,
    2,
  );
}

export async function copyDiagnosis(v: View, hooks: Hook[] | null): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(diagnosis(v, hooks));
    return true;
  } catch {
    return false;
  }
}
