import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Button, CopyButton, Field } from "../shared/ui";
import { freshKey } from "../shared/random";

/** The shortest key of one's own that the server takes, in characters. */
export const SHORTEST_KEY = 32;

/** A key or webhook secret that the server tells once. */
export interface Shown {
  account: string;
  words: string;
  secret: string;
  note: string;
}

const shown = signal<Shown[]>([]);

/** Shows secrets on their account's page until it is left or they are put away. One for the same thing replaces the last. */
export function showOnce(...secrets: Shown[]): void {
  shown.value = [...shown.peek().filter((old) => !secrets.some((secret) => secret.account === old.account && secret.words === old.words)), ...secrets];
}

/** A key that may answer, as the one line that the browser extension's options take. */
export function pairing(account: string, key: string): Shown {
  return { account, words: "Pairing line", secret: `${location.origin} ${key}`, note: "For the browser extension: paste this line into its options." };
}

/** The secrets of an account that are shown once. */
export function ShownOnce({ account }: { account: string }) {
  // Left pages forget: nobody who comes by later sees a secret.
  useEffect(() => () => void (shown.value = shown.peek().filter((secret) => secret.account !== account)), [account]);
  const secrets = shown.value.filter((secret) => secret.account === account);
  if (secrets.length === 0) return null;
  return (
    <section class="once" aria-label="Shown once">
      <h2>Copy this now: it is shown once</h2>
      {secrets.map((secret) => (
        <OneSecret key={secret.words} shown={secret} />
      ))}
      <div class="actions">
        <Button onClick={() => (shown.value = shown.peek().filter((secret) => secret.account !== account))}>I have it</Button>
      </div>
    </section>
  );
}

function OneSecret({ shown }: { shown: Shown }) {
  const text = useRef<HTMLElement>(null);
  return (
    <div class="secret">
      <h3>{shown.words}</h3>
      <div class="secret-row">
        <code ref={text}>{shown.secret}</code>
        <CopyButton text={shown.secret} shown={() => text.current} label={"Copy " + shown.words} />
      </div>
      <p class="hint">{shown.note}</p>
    </div>
  );
}

/** The field of a key that is chosen before it is saved: a fresh one, or one's own. */
export function KeyField({ value, onChange, errors }: { value: string; onChange: (key: string) => void; errors?: string[] | undefined }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <Field label="API Key" hint={`Copy it now: it works from Save on, and later only its first 8 characters are shown. You may paste a key of your own, of at least ${SHORTEST_KEY} characters.`} errors={errors}>
      {(attributes) => (
        <div class="secret-row">
          <input {...attributes} ref={input} class="mono" autoComplete="off" spellcheck={false} autoCapitalize="off" value={value} onInput={(event) => onChange(event.currentTarget.value)} />
          <CopyButton text={value} shown={() => input.current} label="Copy API Key" />
          <Button icon="again" onClick={() => onChange(freshKey())}>
            Fresh key
          </Button>
        </div>
      )}
    </Field>
  );
}

/** What is wrong with a key of one's own, before the server is asked. */
export function keyErrors(key: string): string[] {
  return key.trim().length < SHORTEST_KEY ? [`A key has at least ${SHORTEST_KEY} characters.`] : [];
}
