import { signal } from "@preact/signals";
import { ask } from "./session";
import type { Account } from "./types";

/** The accounts as they were last read, for filters and names; null before that. */
export const accounts = signal<Account[] | null>(null);

let reading: Promise<void> | null = null;

/** Reads the accounts; where that fails, what was read before stays. */
export function readAccounts(): Promise<void> {
  reading ??= ask<Account[]>("/api/admin/accounts/?limit=500")
    .then(({ body }) => void (accounts.value = body))
    .catch(() => undefined)
    .finally(() => (reading = null));
  return reading;
}

/** The address of an account by its id, or the id while it is not known. */
export function accountName(id: string | number): string {
  return accounts.value?.find((account) => String(account.id) === String(id))?.email ?? `#${id}`;
}
