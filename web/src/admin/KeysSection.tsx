import { useState } from "preact/hooks";
import { announce } from "../shared/announce";
import { ApiError, sentence } from "../shared/api";
import { ask as question } from "../shared/dialog";
import { freshKey } from "../shared/random";
import { clock, exact } from "../shared/time";
import { Button, Field, Loading, Notice } from "../shared/ui";
import { useLoad } from "./load";
import { useUnsaved } from "./router";
import { KeyField, keyErrors, pairing, showOnce } from "./secrets";
import { ask } from "./session";
import type { Key, Scope } from "./types";

const SCOPES: { scope: Scope; words: string }[] = [
  { scope: "client", words: "Clients: send messages and read answers" },
  { scope: "worker", words: "Worker: the browser extension that answers" },
];

/** An account's API keys. */
export function KeysSection({ account, path }: { account: string; path: string }) {
  const { data, error, reload } = useLoad<Key[]>(path + "keys/");
  const [making, setMaking] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);

  const revoke = async (key: Key) => {
    setFailure(null);
    if (!(await question(`Revoke the key ${key.prefix}…${key.name ? ` (${key.name})` : ""}? What uses it is cut off at once. This can't be undone.`, "Revoke"))) return;
    try {
      await ask(`${path}keys/${encodeURIComponent(key.id)}/`, { method: "DELETE" });
      announce("Key revoked");
      await reload();
    } catch (error) {
      setFailure(sentence(error));
      announce(sentence(error));
    }
  };

  return (
    <section>
      <h2>API keys</h2>
      {error && <Notice actions={<Button onClick={reload}>Try again</Button>}>The keys could not be loaded. {error}</Notice>}
      {failure && <Notice>{failure}</Notice>}
      {!data && !error && <Loading>Loading keys</Loading>}
      {data && data.body.length === 0 && <p class="empty">No keys: nothing can use this account.</p>}
      {data && data.body.length > 0 && <KeyTable keys={data.body} revoke={revoke} />}
      {making ? (
        <NewKey account={account} path={path} close={() => setMaking(false)} reload={reload} />
      ) : (
        <div class="actions">
          <Button icon="plus" onClick={() => setMaking(true)}>
            New key
          </Button>
        </div>
      )}
    </section>
  );
}

function KeyTable({ keys, revoke }: { keys: Key[]; revoke: (key: Key) => void }) {
  return (
    <table class="rows keys">
      <thead>
        <tr>
          <th>Key</th>
          <th>Name</th>
          <th>For</th>
          <th>Created</th>
          <th>
            <span class="offscreen">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {keys.map((key) => (
          <tr key={key.id}>
            <td class="first">
              <code>{key.prefix}…</code>
            </td>
            <td>{key.name}</td>
            <td>{key.scopes.join(", ")}</td>
            <td class="meta">
              <time dateTime={key.created_at} title={exact(key.created_at)}>
                {clock(key.created_at)}
              </time>
            </td>
            <td class="number">
              {key.revoked_at ? (
                <span class="meta">Revoked {clock(key.revoked_at)}</span>
              ) : (
                <Button kind="quiet" label={`Revoke ${key.prefix}`} onClick={() => revoke(key)}>
                  Revoke
                </Button>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function NewKey({ account, path, close, reload }: { account: string; path: string; close: () => void; reload: () => Promise<void> }) {
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState<Scope[]>(SCOPES.map(({ scope }) => scope));
  const [key, setKey] = useState(freshKey);
  const [busy, setBusy] = useState(false);
  const [errors, setErrors] = useState<Record<string, string[]>>({});
  useUnsaved(name !== "");

  const submit = async (event: Event) => {
    event.preventDefault();
    const wrong: Record<string, string[]> = {};
    if (keyErrors(key).length > 0) wrong.key = keyErrors(key);
    if (scopes.length === 0) wrong.scopes = ["Choose what the key is for."];
    setErrors(wrong);
    const first = Object.values(wrong)[0];
    if (first) return announce(first.join(" "));
    setBusy(true);
    try {
      const { body } = await ask<Key & { key: string }>(path + "keys/", { method: "POST", body: { scopes, key: key.trim(), ...(name.trim() && { name: name.trim() }) } });
      showOnce({ account, words: "API Key", secret: body.key, note: "It works now." }, ...(scopes.includes("worker") ? [pairing(account, body.key)] : []));
      announce("Key saved");
      close();
      scrollTo(0, 0);
      await reload();
    } catch (failure) {
      setErrors(failure instanceof ApiError && Object.keys(failure.fields).length > 0 ? failure.fields : { form: [sentence(failure)] });
      announce(sentence(failure));
      setBusy(false);
    }
  };

  return (
    <form class="form card" aria-label="New key" onSubmit={submit}>
      <Field label="Name" hint="To tell keys apart, for instance: laptop." errors={errors.name}>
        {(attributes) => <input {...attributes} autoComplete="off" autofocus value={name} onInput={(event) => setName(event.currentTarget.value)} />}
      </Field>
      <KeyField value={key} onChange={setKey} errors={errors.key} />
      <fieldset>
        <legend>For</legend>
        {SCOPES.map(({ scope, words }) => (
          <label class="check" key={scope}>
            <input type="checkbox" checked={scopes.includes(scope)} onChange={(event) => setScopes(event.currentTarget.checked ? [...scopes, scope] : scopes.filter((other) => other !== scope))} />
            {words}
          </label>
        ))}
        {errors.scopes && <p class="error">{errors.scopes.join(" ")}</p>}
      </fieldset>
      {errors.form && <Notice>{errors.form.join(" ")}</Notice>}
      <div class="actions">
        <Button type="submit" kind="main" disabled={busy}>
          {busy ? "Saving" : "Save"}
        </Button>
        <Button onClick={close}>Cancel</Button>
      </div>
    </form>
  );
}
