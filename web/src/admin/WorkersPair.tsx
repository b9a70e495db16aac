import { useEffect, useState } from "preact/hooks";
import { announce } from "../shared/announce";
import { Icon } from "../shared/icons";
import { Button, Field, Loading, Notice } from "../shared/ui";
import { accounts, readAccounts } from "./accounts";
import { usePoll } from "./load";
import { ToSteps, useBeginning } from "./overview/begin";
import { go } from "./router";
import { useSave, type Errors } from "./save";
import { pairing, putAway, ShownOnce, showOnce } from "./secrets";
import { ask } from "./session";
import { t } from "./texts";
import type { Key, Worker } from "./types";
import { idOf, nameOf } from "./workers";

/** The view in which the line is shown. */
const AT = "pair";

/** How often it is looked whether the browser has connected, in milliseconds. */
const LOOK_EVERY = 2_000;

/** Which workers an account had, and when each had connected, before its line was made. */
type Before = { account: string; came: Map<string, string> };

/** From an account to a browser that answers for it: the line, the extension, the steps, and whether it has come. */
export function WorkersPair({ account: given }: { account: string }) {
  const [account, setAccount] = useState(given);
  const [before, setBefore] = useState<Before | null>(null);
  const [here, setHere] = useState<Worker | null>(null);
  const { form, busy, errors, save } = useSave(["account"]);
  useEffect(() => void readAccounts(), []);

  const workersOf = async (of: string) => (await ask<Worker[]>(`/api/admin/workers/?account=${encodeURIComponent(of)}`)).body;
  const submit = (event: Event) => {
    event.preventDefault();
    const wrong: Errors = account === "" ? { account: [t.workers.pairChoose] } : {};
    void save(wrong, async () => {
      const known = await workersOf(account);
      const { body } = await ask<Key & { key: string }>(`/api/admin/accounts/${encodeURIComponent(account)}/keys/`, { method: "POST", body: { name: t.workers.pairKeyName, scopes: ["worker"] } });
      showOnce(pairing(AT, body.key));
      setHere(null);
      setBefore({ account, came: new Map(known.map((worker) => [idOf(worker), worker.hello_at])) });
    });
  };
  const look = async () => {
    if (!before) return;
    const now = await workersOf(before.account).catch(() => []);
    const fresh = now.find((worker) => worker.connected && before.came.get(idOf(worker)) !== worker.hello_at);
    if (!fresh) return;
    setHere(fresh);
    announce(t.workers.pairHere(nameOf(fresh)));
  };
  usePoll(look, before !== null && here === null, LOOK_EVERY);
  const again = () => {
    putAway(AT);
    setBefore(null);
    setHere(null);
  };

  const list = accounts.value;
  const only = list?.length === 1 ? String(list[0]?.id) : "";
  useEffect(() => setAccount((chosen) => chosen || only), [only]);
  return (
    <>
      <p class="crumb">
        <a href="/admin/workers/">{t.workers.title}</a>
      </p>
      <header class="view-head">
        <h1 tabIndex={-1}>{t.workers.pairTitle}</h1>
      </header>
      <ShownOnce at={AT} />
      {!list && <Loading>{t.accounts.loadingAll}</Loading>}
      {list?.length === 0 && (
        <div class="empty">
          <p>{t.workers.pairNoAccounts}</p>
          <Button icon="plus" onClick={() => go("/admin/accounts/new/")}>
            {t.accounts.fresh}
          </Button>
        </div>
      )}
      {list && list.length > 0 && !before && (
        <form class="form" ref={form} noValidate onSubmit={submit}>
          <p>{t.workers.pairLine}</p>
          <Field label={t.workers.pairAccount} errors={errors.account}>
            {(attributes) => (
              <select {...attributes} value={account} onChange={(event) => setAccount(event.currentTarget.value)}>
                <option value="" />
                {list.map(({ id, email }) => (
                  <option key={id} value={String(id)}>
                    {email}
                  </option>
                ))}
              </select>
            )}
          </Field>
          {errors.form && <Notice>{errors.form.join(" ")}</Notice>}
          <div class="actions">
            <Button type="submit" kind="main">
              {busy ? t.workers.pairMaking : t.workers.pairMake}
            </Button>
          </div>
        </form>
      )}
      {before && <Steps here={here} again={again} />}
    </>
  );
}

/** What is to be done in the browser, and whether it has connected. */
function Steps({ here, again }: { here: Worker | null; again: () => void }) {
  const [unpack, load, paste] = t.workers.pairSteps;
  const beginning = useBeginning();
  return (
    <div class="sections">
      <ol class="steps">
        <li>
          <p>{unpack}</p>
          <div class="actions">
            <Download browser="chrome" words={t.workers.pairChrome} />
            <Download browser="firefox" words={t.workers.pairFirefox} />
          </div>
        </li>
        <li>
          <p>{load}</p>
        </li>
        <li>
          <p>{paste}</p>
        </li>
      </ol>
      <section>
        {here ? (
          <Notice
            tone="ok"
            actions={
              <>
                {beginning ? (
                  <ToSteps />
                ) : (
                  <Button kind="main" onClick={() => go(`/admin/workers/?open=${encodeURIComponent(idOf(here))}`)}>
                    {t.workers.pairDone}
                  </Button>
                )}
                <Button onClick={again}>{t.workers.pairAnother}</Button>
              </>
            }
          >
            {t.workers.pairHere(nameOf(here))}
          </Notice>
        ) : (
          <p class="mark plain">
            <Icon name="working" />
            {t.workers.pairWaiting}
          </p>
        )}
      </section>
    </div>
  );
}

/** The extension's zip, unpaired: the line pairs it. */
export function Download({ browser, words }: { browser: "chrome" | "firefox"; words: string }) {
  return (
    <a class="button" href={`/api/admin/extension/?browser=${browser}`} download>
      <Icon name="download" />
      {words}
    </a>
  );
}
