import { useEffect, useRef, useState } from "preact/hooks";
import { announce } from "../shared/announce";
import { ApiError, sentence } from "../shared/api";

/** What is wrong with a form: sentences by field; under "form" those that belong to none of its fields. */
export type Errors = Record<string, string[]>;

/**
 * What a failed call says about a form with these fields. After a 401 the form to log in lies over the page, and nothing is
 * wrong with what was written.
 */
export function errorsOf(failure: unknown, fields: readonly string[]): Errors {
  if (!(failure instanceof ApiError)) return { form: [sentence(failure)] };
  if (failure.status === 401) return {};
  const wrong: Errors = {};
  for (const [field, sentences] of Object.entries(failure.fields)) {
    const shown = fields.includes(field) ? field : "form";
    wrong[shown] = [...(wrong[shown] ?? []), ...sentences];
  }
  return Object.keys(wrong).length > 0 ? wrong : { form: [failure.detail] };
}

/** The sentences of all of it, in order. */
export function inWords(errors: Errors): string {
  return Object.values(errors).flat().join(" ");
}

/**
 * Saves a form and says beside its fields what is wrong; focus goes to the first of them (those with aria-invalid). While it
 * saves it does not save again: its button needs not be disabled, which would lose the focus.
 */
export function useSave(fields: readonly string[]) {
  const form = useRef<HTMLFormElement>(null);
  const running = useRef(false);
  const [busy, setBusy] = useState(false);
  const [errors, setErrors] = useState<Errors>({});
  useEffect(() => form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus(), [errors]);

  const refuse = (wrong: Errors) => {
    setErrors(wrong);
    announce(inWords(wrong));
  };
  /** `wrong` is what the page itself found: then nothing is sent. */
  const save = async (wrong: Errors, work: () => Promise<void>) => {
    if (running.current) return;
    if (Object.keys(wrong).length > 0) return refuse(wrong);
    setErrors({});
    setBusy((running.current = true));
    try {
      await work();
    } catch (failure) {
      refuse(errorsOf(failure, fields));
    } finally {
      setBusy((running.current = false));
    }
  };
  return { form, busy, errors, save };
}

/** Does one thing at a time for a button, which keeps the focus meanwhile, and keeps why it failed until it is tried again. */
export function useAct() {
  const running = useRef(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const act = async (work: () => Promise<void>) => {
    if (running.current) return;
    setError(null);
    setBusy((running.current = true));
    try {
      await work();
    } catch (failure) {
      if (failure instanceof ApiError && failure.status === 401) return;
      setError(sentence(failure));
      announce(sentence(failure));
    } finally {
      setBusy((running.current = false));
    }
  };
  return { busy, error, act };
}

/** Puts the focus on the heading of the section that something is in: for what goes away when it was pressed. */
export function focusSection(element: Element | null): void {
  element?.closest("section")?.querySelector<HTMLElement>("h2")?.focus({ preventScroll: true });
}
