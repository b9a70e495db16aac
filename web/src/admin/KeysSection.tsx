import { useRef, useState } from "preact/hooks";
import { announce } from "../shared/announce";
import { ask as question } from "../shared/dialog";
import { language } from "../shared/language";
import { freshKey } from "../shared/random";
import { s } from "../shared/texts";
import { clock, exact } from "../shared/time";
import { Button, Field, Loading, Notice } from "../shared/ui";
import { viewOf } from "./AccountPage";
import { Choices } from "./Choices";
import { useLoad } from "./load";
import { useUnsaved } from "./router";
import { focusSection, useAct, useSave, type Errors } from "./save";
import { KeyField, keyErrors, pairing, showOnce } from "./secrets";
import { ask } from "./session";
import { t } from "./texts";
import type { Key, Scope } from "./types";

const SCOPES: Scope[] = ["client", "worker"];

/** An account's API keys. */
export function KeysSection({ account, path }: { account: string; path: string }) {
  const { data, error, reload } = useLoad<Key[]>(path + "keys/");
  const [making, setMaking] = useState(false);
  const { error: failure, act } = useAct();
  const section = useRef<HTMLElement>(null);
  const valid = data?.body.filter((key) => !key.revoked_at) ?? [];
  const revoked = data?.body.filter((key) => key.revoked_at) ?? [];

  const revoke = async (key: Key) => {
    if (!(await question(whatStops(key, valid), t.keys.revoke))) return;
    await act(async () => {
      await ask(`${path}keys/${encodeURIComponent(key.id)}/`, { method: "DELETE" });
      announce(t.keys.revoked);
      focusSection(section.current);
      await reload();
    });
  };
  const close = () => {
    setMaking(false);
    focusSection(section.current);
  };

  return (
    <section ref={section}>
      <h2 tabIndex={-1}>{t.keys.title}</h2>
      {error && <Notice actions={<Button onClick={reload}>{t.accounts.tryAgain}</Button>}>{t.keys.failed(error)}</Notice>}
      {failure && <Notice>{failure}</Notice>}
      {!data && !error && <Loading>{t.keys.loading}</Loading>}
      {data && valid.length === 0 && <p class="empty">{t.keys.none}</p>}
      {valid.length > 0 && <KeyTable keys={valid} revoke={revoke} />}
      {revoked.length > 0 && (
        <details>
          <summary>{t.keys.revokedKeys(revoked.length)}</summary>
          <KeyTable keys={revoked} />
        </details>
      )}
      {making ? (
        <NewKey account={account} path={path} close={close} reload={reload} />
      ) : (
        <div class="actions">
          <Button icon="plus" onClick={() => setMaking(true)}>
            {t.keys.fresh}
          </Button>
        </div>
      )}
    </section>
  );
}

/** The question before a key is revoked: what stops, and whether another key is left for it. */
function whatStops(key: Key, valid: Key[]): string {
  const others = valid.filter(({ id }) => id !== key.id);
  const last = (scope: Scope) => key.scopes.includes(scope) && !others.some(({ scopes }) => scopes.includes(scope));
  const name = key.prefix + "…" + (key.name ? ` (${key.name})` : "");
  return [t.keys.revokeAsk(name, key.scopes.includes("client"), key.scopes.includes("worker")), last("client") && t.keys.lastClient, last("worker") && t.keys.lastWorker].filter(Boolean).join(" ");
}

function KeyTable({ keys, revoke }: { keys: Key[]; revoke?: (key: Key) => void }) {
  return (
    <table class="rows keys">
      <thead>
        <tr>
          <th>{t.keys.key}</th>
          <th>{t.keys.name}</th>
          <th>{t.keys.scope}</th>
          <th>{t.keys.created}</th>
          <th>
            <span class="offscreen">{t.keys.actions}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {keys.map((key) => (
          <tr key={key.id}>
            <td class="first">
              <code>{key.prefix}…</code>
            </td>
            <td dir="auto">{key.name}</td>
            <td>{new Intl.ListFormat(language).format(key.scopes.map((scope) => t.keys.scopes[scope]))}</td>
            <td class="meta">
              <time dateTime={key.created_at} title={exact(key.created_at)}>
                {clock(key.created_at)}
              </time>
            </td>
            <td class="number">
              {key.revoked_at ? (
                <span class="meta">{t.keys.revokedAt(clock(key.revoked_at))}</span>
              ) : (
                revoke && (
                  <Button kind="quiet" label={t.keys.revokeNamed(key.prefix)} onClick={() => revoke(key)}>
                    {t.keys.revoke}
                  </Button>
                )
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
  const [scopes, setScopes] = useState<Scope[]>(SCOPES);
  const [key, setKey] = useState(freshKey);
  const { form, busy, errors, save } = useSave(["name", "key", "scopes"]);
  useUnsaved(name !== "" && !busy);

  const submit = (event: Event) => {
    event.preventDefault();
    const wrong: Errors = {};
    const bad = keyErrors(key);
    if (bad) wrong.key = bad;
    if (scopes.length === 0) wrong.scopes = [t.keys.chooseScope];
    void save(wrong, async () => {
      const { body } = await ask<Key & { key: string }>(path + "keys/", { method: "POST", body: { scopes, key: key.trim(), ...(name.trim() && { name: name.trim() }) } });
      const at = viewOf(account);
      showOnce({ at, name: t.keys.field, secret: body.key, note: t.keys.works }, ...(scopes.includes("worker") ? [pairing(at, body.key)] : []));
      announce(t.keys.saved);
      close();
      await reload();
    });
  };

  return (
    <form class="form card" ref={form} noValidate aria-label={t.keys.fresh} onSubmit={submit}>
      <Field label={t.keys.name} hint={t.keys.nameHint} errors={errors.name}>
        {(attributes) => <input {...attributes} dir="auto" autoComplete="off" autofocus value={name} onInput={(event) => setName(event.currentTarget.value)} />}
      </Field>
      <KeyField value={key} onChange={setKey} errors={errors.key} />
      <Choices legend={t.keys.scope} options={t.keys.scopesLong} chosen={scopes} choose={setScopes} errors={errors.scopes} />
      {errors.form && <Notice>{errors.form.join(" ")}</Notice>}
      <div class="actions">
        <Button type="submit" kind="main">
          {busy ? t.accounts.saving : t.accounts.save}
        </Button>
        <Button onClick={close}>{s.cancel}</Button>
      </div>
    </form>
  );
}
