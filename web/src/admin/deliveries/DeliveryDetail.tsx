import { useEffect } from "preact/hooks";
import { announce } from "../../shared/announce";
import { clock, counting, exact, now, tick, took, zoneName } from "../../shared/time";
import { Button, Loading, Notice } from "../../shared/ui";
import { accountName, readAccounts } from "../accounts";
import { endpointTone } from "../EndpointState";
import { useLoad, usePoll } from "../load";
import { CopyId, Facts, headerLines } from "../parts";
import { useAct } from "../save";
import { ask } from "../session";
import { t } from "../texts";
import type { Delivery, Endpoint, Try } from "../types";
import { DeliveryMark } from "./DeliveryMark";

/** How often a delivery that is not at its end is read again, in milliseconds. */
const LOOK_EVERY = 2_000;

/** So much of an answer's body is kept, in bytes. */
const BODY_KEPT = 4096;

/** One delivery with its tries. `changed` hears of what was done to it here. */
export function DeliveryDetail({ id, changed }: { id: string; changed: (delivery: Delivery) => void }) {
  const { data, error, reload } = useLoad<Delivery>(`/api/admin/deliveries/${encodeURIComponent(id)}/`);
  const delivery = data?.body;
  usePoll(reload, delivery?.status === "pending" || delivery?.status === "failing", LOOK_EVERY);
  useEffect(() => void readAccounts(), []);
  return (
    <div class="drawer-body">
      {error && <Notice actions={<Button onClick={reload}>{t.list.tryAgain}</Button>}>{t.deliveries.failedOne(error)}</Notice>}
      {!data && !error && <Loading>{t.deliveries.loadingOne}</Loading>}
      {delivery && (
        <>
          <State
            delivery={delivery}
            read={async (now) => {
              if (now) changed(now);
              await reload();
            }}
          />
          <Tries delivery={delivery} />
          <section>
            <h3>{t.deliveries.ids}</h3>
            <Facts
              facts={[
                [t.list.account, <a href={`/admin/accounts/${delivery.account}/`}>{accountName(delivery.account)}</a>],
                [t.deliveries.to, <a href={`/admin/accounts/${delivery.account}/endpoints/${delivery.endpoint}/`}>{delivery.url || `#${delivery.endpoint}`}</a>],
                [t.deliveries.request, <a href={`/admin/requests/?open=${delivery.request_id}`}>{delivery.request_id}</a>],
                [t.deliveries.owed, exact(delivery.created_at)],
                [t.requests.timeZone, zoneName()],
              ]}
            />
            <CopyId name={t.deliveries.webhookId} id={delivery.webhook_id} />
          </section>
        </>
      )}
    </div>
  );
}

/** How it is, what is next, and the way to send it again. */
function State({ delivery, read }: { delivery: Delivery; read: (now?: Delivery) => Promise<void> }) {
  const { busy, error, act } = useAct();
  const path = `/api/admin/accounts/${delivery.account}/endpoints/${delivery.endpoint}/`;
  const endpoint = useLoad<Endpoint>(path);
  const unfinished = delivery.status === "pending" || delivery.status === "failing";
  useEffect(() => (unfinished ? tick() : undefined), [unfinished]);
  usePoll(endpoint.reload, unfinished, 5 * LOOK_EVERY);
  const replay = () =>
    act(async () => {
      const { body } = await ask<Delivery>(`/api/admin/deliveries/${delivery.id}/replay/`, { method: "POST" });
      announce(t.deliveries.replayed);
      await read(body);
    });
  const switchOn = () =>
    act(async () => {
      await ask(path, { method: "PATCH", body: { enabled: true } });
      announce(t.deliveries.switchedOn);
      await Promise.all([endpoint.reload(), read()]);
    });
  const to = endpoint.data?.body;
  return (
    <section>
      <div class="actions">
        <DeliveryMark status={delivery.status} />
        <Button icon="again" disabled={busy} onClick={replay}>
          {t.deliveries.replay}
        </Button>
      </div>
      <p>{words(delivery, to)}</p>
      {delivery.error && delivery.status !== "delivered" && <Notice tone={delivery.status === "dead" ? "bad" : "warn"}>{delivery.error}</Notice>}
      {error && <Notice>{error}</Notice>}
      {endpoint.missing && <Notice tone="warn">{t.deliveries.removed}</Notice>}
      {to && !to.enabled && (
        <Notice tone={endpointTone(to)} actions={<Button icon="power" disabled={busy} onClick={switchOn}>{t.deliveries.switchOn}</Button>}>
          {to.disabled_reason ? t.deliveries.offReason(to.disabled_reason) : t.deliveries.off}
        </Notice>
      )}
      {to?.status === "on_hold" && to.hold_until && <Notice tone="warn">{t.deliveries.onHold(clock(to.hold_until))}</Notice>}
    </section>
  );
}

function words(delivery: Delivery, endpoint: Endpoint | undefined): string {
  switch (delivery.status) {
    case "delivered":
      return t.deliveries.deliveredAt(exact(delivery.ended_at ?? ""), delivery.tried);
    case "dead":
      return t.deliveries.deadSince(exact(delivery.ended_at ?? ""));
    default: {
      if (endpoint && !endpoint.enabled) return t.deliveries.waitsForEndpoint;
      const left = delivery.next_try_at ? Date.parse(delivery.next_try_at) - now.value : 0;
      return left > 0 && delivery.next_try_at ? t.deliveries.nextTry(exact(delivery.next_try_at), counting(left)) : t.deliveries.tryingNow;
    }
  }
}

/** Its tries, the newest first and open. */
function Tries({ delivery }: { delivery: Delivery }) {
  const tries = [...(delivery.tries ?? [])].reverse();
  const gone = delivery.tried - tries.length;
  return (
    <section>
      <h3>{t.deliveries.triesTitle}</h3>
      {delivery.tried === 0 && <p class="meta">{t.deliveries.noTries}</p>}
      <ol class="tries">
        {tries.map((one, index) => (
          <li key={`${one.number} ${one.at}`}>
            <OneTry one={one} open={index === 0} />
          </li>
        ))}
      </ol>
      {gone > 0 && tries.length > 0 && <p class="meta">{t.deliveries.triesGone(gone)}</p>}
    </section>
  );
}

function OneTry({ one, open }: { one: Try; open: boolean }) {
  const good = one.error === null;
  return (
    <details class="try" open={open}>
      <summary>
        <strong>{t.deliveries.tryOf(one.number)}</strong>
        <span class={"mark " + (good ? "ok" : "bad")}>{one.status ?? t.deliveries.noAnswer}</span>
        <span class="meta">
          <time dateTime={one.at}>{exact(one.at)}</time> · {took(one.duration_ms)}
        </span>
      </summary>
      {one.error && <p class="error">{one.error}</p>}
      <Part name={t.deliveries.requestHeaders} text={headerLines(one.request_headers)} />
      {one.status !== null && <Part name={t.deliveries.responseHeaders} text={headerLines(one.response_headers)} />}
      {one.status !== null && <Part name={t.deliveries.responseBody} text={one.response_body || t.deliveries.noBody} note={new TextEncoder().encode(one.response_body).length >= BODY_KEPT ? t.deliveries.cut : null} />}
    </details>
  );
}

function Part({ name, text, note = null }: { name: string; text: string; note?: string | null }) {
  if (text === "") return null;
  return (
    <div class="try-part">
      <h4>{name}</h4>
      <pre class="long-text" dir="auto" tabIndex={0} role="group" aria-label={name}>
        {text}
      </pre>
      {note && <p class="meta">{note}</p>}
    </div>
  );
}
