import { useState } from "preact/hooks";
import { announce } from "../shared/announce";
import { ask as question } from "../shared/dialog";
import { Button, Field, Loading, Notice } from "../shared/ui";
import { ActiveMark } from "./AccountsPage";
import { EndpointPage, NewEndpointPage } from "./EndpointPage";
import { EndpointsSection, primaryOf, WebhookSection } from "./EndpointsSection";
import { useTest } from "./EndpointTest";
import { KeysSection } from "./KeysSection";
import { useLoad } from "./load";
import { WebhookHint } from "./NewAccountPage";
import { ToSteps, useBeginning } from "./overview/begin";
import { place, useUnsaved } from "./router";
import { useAct, useSave } from "./save";
import { ShownOnce, showOnce } from "./secrets";
import { ask } from "./session";
import { t } from "./texts";
import type { Account, Endpoint } from "./types";

/** An account and the views below it: /admin/accounts/ID/, …/endpoints/new/, …/endpoints/ID/. */
export function AccountPage({ id }: { id: string }) {
  const path = `/api/admin/accounts/${encodeURIComponent(id)}/`;
  const home = `/admin/accounts/${encodeURIComponent(id)}/`;
  const { data, error, reload } = useLoad<Account>(path);
  const account = data?.body;
  const [below, which] = (place.value.split("?", 1)[0] ?? "").slice(home.length).split("/");
  if (account && below === "endpoints" && which === "new") return <NewEndpointPage account={account} path={path} home={home} />;
  if (account && below === "endpoints" && which) return <EndpointPage key={which} account={account} path={path} home={home} id={which} />;
  return (
    <>
      <p class="crumb">
        <a href="/admin/accounts/">{t.accounts.list}</a>
      </p>
      <header class="view-head">
        <h1 tabIndex={-1}>{account?.email ?? t.accounts.one}</h1>
        {account && <Switch account={account} path={path} reload={reload} />}
      </header>
      {error && <Notice actions={<Button onClick={reload}>{t.accounts.tryAgain}</Button>}>{t.accounts.failed(error)}</Notice>}
      {!account && !error && <Loading>{t.accounts.loading}</Loading>}
      {account && <Parts account={account} path={path} home={home} reload={reload} />}
    </>
  );
}

interface PartProps {
  account: Account;
  path: string;
  reload: () => Promise<void>;
}

/** The view in which an account's secrets are shown. */
export const viewOf = (account: string | number) => "account " + account;

function Parts({ account, path, home, reload }: PartProps & { home: string }) {
  const endpoints = useLoad<Endpoint[]>(path + "endpoints/");
  const at = viewOf(account.id);
  const saved = async () => {
    await Promise.all([reload(), endpoints.reload()]);
  };
  const primary = primaryOf(endpoints);
  const of = encodeURIComponent(account.id);
  const beginning = useBeginning();
  return (
    <>
      <ShownOnce at={at} next={beginning && <ToSteps />} />
      {!account.active && <Notice tone="warn">{t.accounts.isDisabled}</Notice>}
      <div class="sections">
        <AccountForm account={account} path={path} reload={saved} test={primary && `${path}endpoints/${primary.id}/`} beginning={beginning} />
        <KeysSection account={String(account.id)} path={path} />
        <WebhookSection path={path} home={home} endpoints={endpoints} at={at} />
        <EndpointsSection path={path} home={home} endpoints={endpoints} />
        <section>
          <h2>{t.accounts.more}</h2>
          <ul class="links">
            <li>
              <a href={`/admin/requests/?account=${of}`}>{t.accounts.requests}</a>
            </li>
            <li>
              <a href={`/admin/deliveries/?account=${of}`}>{t.accounts.deliveries}</a>
            </li>
            <li>
              <a href={`/admin/workers/?account=${of}`}>{t.accounts.workers}</a>
            </li>
            <li>
              <a href={`/admin/audit/?account=${of}`}>{t.accounts.audit}</a>
            </li>
          </ul>
        </section>
      </div>
    </>
  );
}

/** What the server says after a change: a first webhook URL brings its secret. */
interface Changed {
  account: Account;
  webhook_secret: string | null;
}

/** Email and Webhook URL. `test`: the address of the endpoint that can be tested, if there is one. `beginning`: a test that is accepted leads back to the first steps. */
function AccountForm({ account, path, reload, test, beginning }: PartProps & { test: string | undefined; beginning: boolean | null }) {
  const [email, setEmail] = useState(account.email);
  const [webhook, setWebhook] = useState(account.webhook_url ?? "");
  const [saved, setSaved] = useState(false);
  const { form, busy, errors, save } = useSave(["email", "webhook_url"]);
  const moved = webhook.trim() !== (account.webhook_url ?? "");
  const dirty = email.trim() !== account.email || moved;
  useUnsaved(dirty && !busy);
  const tried = useTest(test, moved, beginning && <ToSteps />);

  const submit = (event: Event) => {
    event.preventDefault();
    if (!dirty) return;
    void save({}, async () => {
      // The Webhook URL is sent only where it changed: sent again, it would switch on what was switched off.
      const { body } = await ask<Changed>(path, { method: "PATCH", body: { email: email.trim(), ...(moved && { webhook_url: webhook.trim() }) } });
      if (body.webhook_secret) showOnce({ at: viewOf(account.id), name: t.keys.secret, secret: body.webhook_secret, note: t.keys.secretHint });
      setEmail(body.account.email);
      setWebhook(body.account.webhook_url ?? "");
      setSaved(true);
      announce(t.accounts.saved);
      await reload();
    });
  };

  return (
    <form class="form" ref={form} noValidate onSubmit={submit} onInput={() => setSaved(false)}>
      <Field label={t.accounts.email} errors={errors.email}>
        {(attributes) => <input {...attributes} type="email" autoComplete="off" required value={email} onInput={(event) => setEmail(event.currentTarget.value)} />}
      </Field>
      <Field label={t.accounts.webhook} hint={<WebhookHint />} errors={errors.webhook_url}>
        {(attributes) => (
          <div class="with-button">
            <input {...attributes} type="url" autoComplete="off" spellcheck={false} value={webhook} onInput={(event) => setWebhook(event.currentTarget.value)} />
            {tried.button}
          </div>
        )}
      </Field>
      {tried.result}
      {errors.form && <Notice>{errors.form.join(" ")}</Notice>}
      <div class="actions">
        <Button type="submit" kind="main" idle={!dirty}>
          {busy ? t.accounts.saving : t.accounts.save}
        </Button>
        {saved && !dirty && <span class="mark ok">{t.accounts.saved}</span>}
        {dirty && !busy && <span class="meta">{t.accounts.unsavedHere}</span>}
      </div>
    </form>
  );
}

/** Disables an account, or enables it again. */
function Switch({ account, path, reload }: PartProps) {
  const { error, act } = useAct();
  const turn = async () => {
    if (account.active && !(await question(t.accounts.disableAsk(account.email), t.accounts.disable))) return;
    await act(async () => {
      await ask<Changed>(path, { method: "PATCH", body: { active: !account.active } });
      announce(account.active ? t.accounts.nowDisabled : t.accounts.nowEnabled);
      await reload();
    });
  };
  return (
    <div class="actions">
      <ActiveMark active={account.active} />
      <Button icon="power" onClick={turn}>
        {account.active ? t.accounts.disable : t.accounts.enable}
      </Button>
      {error && <p class="error">{error}</p>}
    </div>
  );
}
