import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { freshKey } from "../shared/random";
import { Button, CopyButton, Field } from "../shared/ui";
import { t } from "./texts";

/** The shortest key of one's own that the server takes, in characters. */
export const SHORTEST_KEY = 32;

/** A key or secret that the server tells once. */
export interface Shown {
  /** The view that shows it, such as "account 3". */
  at: string;
  name: string;
  secret: string;
  note: string;
}

const shown = signal<Shown[]>([]);

// A page that is left stays in the browser's memory for Back; what it showed once does not.
if (typeof addEventListener === "function") addEventListener("pagehide", () => (shown.value = []));

/** Shows secrets in their view until it is left or they are put away. One for the same thing replaces the last. */
export function showOnce(...secrets: Shown[]): void {
  shown.value = [...shown.peek().filter((old) => !secrets.some(({ at, name }) => old.at === at && old.name === name)), ...secrets];
  // It stands on top of its view, wherever the button was.
  scrollTo(0, 0);
}

/** Puts away what a view shows. */
export function putAway(at: string): void {
  shown.value = shown.peek().filter((secret) => secret.at !== at);
}

/** A key that may answer, as the one line that the browser extension's options take. */
export function pairing(at: string, key: string): Shown {
  return { at, name: t.keys.pairing, secret: `${location.origin} ${key}`, note: t.keys.pairingHint };
}

/** The secrets of a view that are shown once; they are forgotten when it is left. `next`: where it goes on from here. */
export function ShownOnce({ at, next }: { at: string; next?: ComponentChildren }) {
  useEffect(() => () => putAway(at), [at]);
  const secrets = shown.value.filter((secret) => secret.at === at);
  const heading = useRef<HTMLHeadingElement>(null);
  const names = secrets.map(({ name }) => name).join();
  useEffect(() => heading.current?.focus(), [names]);
  if (secrets.length === 0) return null;
  return (
    <section class="once" aria-label={t.keys.shownOnce}>
      <h2 ref={heading} tabIndex={-1}>
        {t.keys.copyNow}
      </h2>
      {secrets.map((secret) => (
        <OneSecret key={secret.name} shown={secret} />
      ))}
      <div class="actions">
        <Button
          onClick={() => {
            putAway(at);
            document.querySelector<HTMLElement>("main h1")?.focus();
          }}
        >
          {t.keys.have}
        </Button>
        {next}
      </div>
    </section>
  );
}

function OneSecret({ shown }: { shown: Shown }) {
  const text = useRef<HTMLElement>(null);
  return (
    <div class="secret">
      <h3>{shown.name}</h3>
      <div class="secret-row">
        <code ref={text}>{shown.secret}</code>
        <CopyButton text={shown.secret} shown={() => text.current} label={t.keys.copy(shown.name)} />
      </div>
      <p class="hint">{shown.note}</p>
    </div>
  );
}

/** The field of a key that is chosen before it is saved: a fresh one, or one's own. */
export function KeyField({ value, onChange, errors }: { value: string; onChange: (key: string) => void; errors?: string[] | undefined }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <Field label={t.keys.field} hint={t.keys.fieldHint(SHORTEST_KEY)} errors={errors}>
      {(attributes) => (
        <div class="secret-row">
          <input {...attributes} ref={input} class="mono" autoComplete="off" spellcheck={false} autoCapitalize="off" value={value} onInput={(event) => onChange(event.currentTarget.value)} />
          <CopyButton text={value} shown={() => input.current} label={t.keys.copyField} />
          <Button icon="again" onClick={() => onChange(freshKey())}>
            {t.keys.another}
          </Button>
        </div>
      )}
    </Field>
  );
}

/** What is wrong with a key of one's own, before the server is asked; undefined if nothing is. */
export function keyErrors(key: string): string[] | undefined {
  return Array.from(key.trim()).length < SHORTEST_KEY ? [t.keys.tooShort(SHORTEST_KEY)] : undefined;
}
