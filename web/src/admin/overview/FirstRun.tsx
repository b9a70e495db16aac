import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { announce } from "../../shared/announce";
import { Icon } from "../../shared/icons";
import { Button, Notice } from "../../shared/ui";
import { accounts, readAccounts } from "../accounts";
import { primaryOf } from "../EndpointsSection";
import { useTest } from "../EndpointTest";
import { useLoad } from "../load";
import { go, withQuery } from "../router";
import { t } from "../texts";
import type { Delivery, Endpoint, Overview } from "../types";
import { done, type StepName } from "./steps";

/** A step that takes longer than this says why it may, in milliseconds. */
const STALLED_AFTER = 30_000;

/** From an empty server to the first webhook: facts tick the steps, and one that stalls says why. */
export function FirstRun({ overview, hide }: { overview: Overview; hide: () => void }) {
  const ticks = done(overview.first_run);
  const names = Object.keys(ticks) as StepName[];
  const current = names.find((name) => !ticks[name]) ?? null;
  const count = names.filter((name) => ticks[name]).length;
  const stalled = useStalled(current);
  useEffect(() => void readAccounts(), [ticks.account]);
  const section = useRef<HTMLElement>(null);
  // When the last step is done, or the steps are put away, the button that had the focus goes too.
  useLayoutEffect(() => {
    const here = section.current;
    return () => {
      if (here?.contains(document.activeElement)) document.querySelector<HTMLElement>("main h1")?.focus({ preventScroll: true });
    };
  }, []);
  const before = useRef(count);
  useEffect(() => {
    if (count > before.current) announce(t.firstRun.progress(count, names.length));
    before.current = count;
  }, [count]);
  const parts: Record<StepName, { words: string; body: ComponentChildren }> = {
    account: { words: t.firstRun.account, body: <AccountStep /> },
    extension: { words: t.firstRun.extension, body: <ExtensionStep stalled={stalled} /> },
    connected: { words: t.firstRun.connected, body: <ConnectedStep stalled={stalled} seen={overview.first_run.worker_seen} /> },
    test: { words: t.firstRun.test, body: <TestStep stalled={stalled} overview={overview} /> },
    webhook: { words: t.firstRun.webhook, body: <WebhookStep stalled={stalled} /> },
  };
  return (
    <section ref={section} class="card first-run" aria-labelledby="first-run">
      <header class="part-head">
        <h2 id="first-run">{t.firstRun.title}</h2>
        <span class="meta">{t.firstRun.progress(count, names.length)}</span>
        <Button kind="quiet" icon="close" onClick={hide}>
          {t.firstRun.hide}
        </Button>
      </header>
      <ol>
        {names.map((name) => (
          <li key={name} aria-current={name === current ? "step" : undefined}>
            <span class={"mark " + (ticks[name] ? "ok" : name === current ? "accent" : "plain")}>
              <Icon name={ticks[name] ? "done" : "circle"} />
              {ticks[name] && <span class="offscreen">{t.firstRun.done}: </span>}
            </span>
            <div class="part">
              <h3>{parts[name].words}</h3>
              {name === current && parts[name].body}
            </div>
          </li>
        ))}
      </ol>
    </section>
  );
}

/** Whether a step has been the present one for long. */
function useStalled(step: StepName | null): boolean {
  const [stalled, setStalled] = useState<StepName | null>(null);
  useEffect(() => {
    const timer = setTimeout(() => setStalled(step), STALLED_AFTER);
    return () => clearTimeout(timer);
  }, [step]);
  return step !== null && stalled === step;
}

function AccountStep() {
  return (
    <>
      <p>{t.firstRun.accountWhy}</p>
      <div class="actions">
        <Button kind="main" icon="plus" onClick={() => go("/admin/accounts/new/")}>
          {t.firstRun.accountDo}
        </Button>
      </div>
    </>
  );
}

/** The account that steps lead to: the one there is. */
function onlyAccount(): string {
  const list = accounts.value;
  return list?.length === 1 ? String(list[0]!.id) : "";
}

function Pair() {
  return (
    <Button kind="main" icon="download" onClick={() => go(withQuery("/admin/workers/pair/", { account: onlyAccount() }))}>
      {t.workers.pair}
    </Button>
  );
}

/** Why a browser may not have connected, and what to look at. */
function Checks() {
  return (
    <Notice tone="warn">
      <p>{t.firstRun.connectedStalled}</p>
      <ul class="checks">
        {t.firstRun.connectedCheck.map((check) => (
          <li key={check}>{check}</li>
        ))}
      </ul>
    </Notice>
  );
}

function ExtensionStep({ stalled }: { stalled: boolean }) {
  return (
    <>
      <p>{t.firstRun.extensionWhy}</p>
      {stalled && <Checks />}
      <div class="actions">
        <Pair />
      </div>
    </>
  );
}

function ConnectedStep({ stalled, seen }: { stalled: boolean; seen: boolean }) {
  return (
    <>
      <p>{seen ? t.firstRun.connectedAgain : t.firstRun.connectedWhy}</p>
      {stalled && <Checks />}
      <div class="actions">
        <a class="button" href="/admin/workers/">
          {t.firstRun.workersLink}
        </a>
        <Pair />
      </div>
    </>
  );
}

function TestStep({ stalled, overview: { queue, workers } }: { stalled: boolean; overview: Overview }) {
  const account = onlyAccount();
  const why = workers.paused > 0 && workers.paused === workers.connected ? t.firstRun.testPaused : queue.executing > 0 ? t.firstRun.testWorks : queue.idle > 0 ? t.firstRun.testWaits(queue.idle) : null;
  return (
    <>
      <p>{t.firstRun.testWhy}</p>
      {(stalled || queue.idle + queue.executing > 0) && (
        <Notice
          tone={queue.executing > 0 ? "plain" : "warn"}
          actions={
            <a class="button" href="/admin/requests/">
              {t.firstRun.testRequests}
            </a>
          }
        >
          {[stalled && t.firstRun.testStalled, why].filter(Boolean).join(" ")}
        </Notice>
      )}
      <div class="actions">
        <a class="button main" href="/" target="_blank">
          {t.firstRun.testDo}
        </a>
        <a class="button" href={account ? `/admin/accounts/${account}/` : "/admin/accounts/"}>
          {t.firstRun.testKeys}
        </a>
      </div>
    </>
  );
}

function WebhookStep({ stalled }: { stalled: boolean }) {
  const { data } = useLoad<Delivery[]>("/api/admin/deliveries/?limit=1");
  const none = accounts.value?.every(({ webhook_url }) => !webhook_url) ?? false;
  const account = onlyAccount();
  const owed = accounts.value?.find(({ webhook_url }) => webhook_url);
  const endpoints = owed ? `/api/admin/accounts/${owed.id}/endpoints/` : null;
  const primary = primaryOf(useLoad<Endpoint[]>(endpoints));
  const tried = useTest(primary && `${endpoints}${primary.id}/`, false);
  const error = data?.body[0]?.error;
  return (
    <>
      <p>{none ? t.firstRun.webhookNone : t.firstRun.webhookWhy}</p>
      {stalled && !none && <Notice tone="warn">{[t.firstRun.webhookStalled, error].filter(Boolean).join(" ")}</Notice>}
      <div class="actions">
        {!none && (
          <a class="button main" href="/" target="_blank">
            {t.firstRun.testDo}
          </a>
        )}
        {tried.button}
        <a class={"button" + (none ? " main" : "")} href={account ? `/admin/accounts/${account}/` : "/admin/accounts/"}>
          {t.firstRun.webhookDo}
        </a>
        {!none && (
          <a class="button" href="/admin/deliveries/">
            {t.firstRun.webhookSee}
          </a>
        )}
      </div>
      {tried.result}
    </>
  );
}
