import { announce } from "../shared/announce";
import { ask as question } from "../shared/dialog";
import { Button, Loading, Notice } from "../shared/ui";
import { EndpointForm, type EndpointFields } from "./EndpointForm";
import { EndpointSecret } from "./EndpointSecret";
import { EndpointState, Owed } from "./EndpointState";
import { useLoad, usePoll } from "./load";
import { go } from "./router";
import { useAct } from "./save";
import { ShownOnce, showOnce } from "./secrets";
import { ask } from "./session";
import { t } from "./texts";
import type { Account, Endpoint } from "./types";

/** How often an endpoint's state is read again, in milliseconds. */
const LOOK_EVERY = 5_000;

interface PageProps {
  account: Account;
  /** The account's address in the API, and in the panel. */
  path: string;
  home: string;
}

/** One endpoint of an account: how it is, what it is sent, its secret. */
export function EndpointPage({ account, path: of, home, id }: PageProps & { id: string }) {
  const path = `${of}endpoints/${encodeURIComponent(id)}/`;
  const at = "endpoint " + id;
  const { data, error, reload } = useLoad<Endpoint>(path);
  usePoll(reload, data !== null, LOOK_EVERY);
  const endpoint = data?.body;
  const save = async (fields: EndpointFields) => {
    const { body } = await ask<Endpoint>(path, { method: "PATCH", body: fields });
    await reload();
    return body;
  };
  return (
    <>
      <Crumbs account={account} home={home} words={endpoint?.primary ? t.endpoints.primary : t.endpoints.one} />
      <header class="view-head">
        <h1 tabIndex={-1}>{endpoint?.url ?? t.endpoints.one}</h1>
      </header>
      {error && <Notice actions={<Button onClick={reload}>{t.accounts.tryAgain}</Button>}>{t.endpoints.failedOne(error)}</Notice>}
      {!endpoint && !error && <Loading>{t.endpoints.loadingOne}</Loading>}
      <ShownOnce at={at} />
      {endpoint && (
        <div class="sections">
          <section>
            <EndpointState endpoint={endpoint} path={path} reload={reload} />
            <Owed endpoint={endpoint} />
          </section>
          <EndpointForm endpoint={endpoint} path={path} save={save} />
          <EndpointSecret endpoint={endpoint} path={path} at={at} reload={reload} />
          {!endpoint.primary && <Remove endpoint={endpoint} path={path} home={home} />}
        </div>
      )}
    </>
  );
}

/** Writes a new endpoint. */
export function NewEndpointPage({ account, path, home }: PageProps) {
  const save = async (fields: EndpointFields) => {
    const { body } = await ask<{ endpoint: Endpoint; webhook_secret: string }>(path + "endpoints/", { method: "POST", body: fields });
    showOnce({ at: "endpoint " + body.endpoint.id, name: t.keys.secret, secret: body.webhook_secret, note: t.keys.secretHint });
    announce(t.endpoints.created);
    await go(`${home}endpoints/${body.endpoint.id}/`, { saved: true, replace: true });
    return null;
  };
  return (
    <>
      <Crumbs account={account} home={home} words={t.endpoints.one} />
      <header class="view-head">
        <h1 tabIndex={-1}>{t.endpoints.fresh}</h1>
      </header>
      <EndpointForm endpoint={null} path={undefined} save={save} cancel={() => go(home)} />
    </>
  );
}

function Crumbs({ account, home, words }: { account: Account; home: string; words: string }) {
  return (
    <p class="crumb">
      <a href="/admin/accounts/">{t.accounts.list}</a> / <a href={home}>{account.email}</a> / {words}
    </p>
  );
}

/** Takes an endpoint away, after saying what is given up. */
function Remove({ endpoint, path, home }: { endpoint: Endpoint; path: string; home: string }) {
  const { error, act } = useAct();
  const remove = () =>
    act(async () => {
      const { body } = await ask<Endpoint>(path);
      const owed = (body.counts?.pending ?? 0) + (body.counts?.failing ?? 0);
      if (!(await question(t.endpoints.removeAsk(endpoint.url, owed), t.endpoints.remove))) return;
      await ask(path, { method: "DELETE" });
      announce(t.endpoints.removed);
      await go(home, { saved: true, replace: true });
    });
  return (
    <section>
      <h2>{t.endpoints.removing}</h2>
      <p>{t.endpoints.removingHint}</p>
      {error && <Notice>{error}</Notice>}
      <div class="actions">
        <Button onClick={remove}>
          {t.endpoints.remove}
        </Button>
      </div>
    </section>
  );
}
