import { useEffect, useRef } from "preact/hooks";
import { announce } from "../../shared/announce";
import { ask as question } from "../../shared/dialog";
import { exact, now, tick, took, zoneName } from "../../shared/time";
import { Button, CopyButton, Loading, Notice, StatusMark } from "../../shared/ui";
import { phaseWords, waitingWords } from "../../shared/words";
import { DeliveryMark } from "../deliveries/DeliveryMark";
import { useLoad, usePoll } from "../load";
import { useAct } from "../save";
import { ask } from "../session";
import { t } from "../texts";
import type { AdminRequest, Delivery, RequestWithEvents } from "../types";
import { CopyId, Facts, LongText } from "../parts";
import { Timeline } from "./Timeline";

/** How often an unfinished request is read again, in milliseconds. */
const LOOK_EVERY = 2_000;

/** One request with all that happened to it. `changed` hears of what was done to it here. */
export function RequestDetail({ id, changed }: { id: string; changed: (request: AdminRequest) => void }) {
  const path = `/api/admin/requests/${encodeURIComponent(id)}/`;
  const { data, error, reload } = useLoad<RequestWithEvents>(path);
  const request = data?.body.request;
  usePoll(reload, request?.completed_at === null, LOOK_EVERY);
  return (
    <div class="drawer-body">
      {error && <Notice actions={<Button onClick={reload}>{t.list.tryAgain}</Button>}>{t.requests.failedOne(error)}</Notice>}
      {!data && !error && <Loading>{t.requests.loadingOne}</Loading>}
      {request && (
        <>
          <State request={request} path={path} reload={reload} changed={changed} />
          <Texts request={request} />
          <Webhooks request={request} />
          <Timeline request={request} events={data.body.events} />
          <Details request={request} />
        </>
      )}
    </div>
  );
}

interface StateProps {
  request: AdminRequest;
  path: string;
  reload: () => Promise<void>;
  changed: (request: AdminRequest) => void;
}

/** Where it is, why it waits or failed, and the way to end it. */
function State({ request, path, reload, changed }: StateProps) {
  const { busy, error, act } = useAct();
  const unfinished = request.completed_at === null;
  useEffect(() => (unfinished ? tick() : undefined), [unfinished]);
  const cancel = async () => {
    if (!(await question(t.requests.cancelAsk, t.requests.cancelIt))) return;
    await act(async () => {
      const { body } = await ask<RequestWithEvents>(path + "cancel/", { method: "POST" });
      changed(body.request);
      announce(t.requests.cancelled);
      await reload();
    });
  };
  const doing = request.status === "idle" ? waitingWords(request.waiting, now.value - Date.parse(request.queued_at), now.value) : request.status === "executing" ? phaseWords(request.phase, false) : null;
  return (
    <section>
      <div class="actions">
        <StatusMark status={request.status} />
        {request.error_code && <code>{request.error_code}</code>}
        {unfinished && (
          <Button icon="stop" disabled={busy} onClick={cancel}>
            {t.requests.cancel}
          </Button>
        )}
      </div>
      {doing && <p>{doing}</p>}
      {error && <p class="error">{error}</p>}
      {request.error_message && <Notice>{request.error_message}</Notice>}
      <CopyId name={t.requests.requestId} id={request.id} />
    </section>
  );
}

function Texts({ request }: { request: AdminRequest }) {
  if (request.message === null) return <p class="meta">{t.requests.textsGone}</p>;
  return (
    <>
      <LongText name={t.requests.message} text={request.message} />
      {request.response !== null && <LongText name={t.requests.answer} text={request.response} />}
      {request.partial_response && <LongText name={t.requests.partial} text={request.partial_response} />}
    </>
  );
}

/** The deliveries that its end owes, and how they are. */
function Webhooks({ request }: { request: AdminRequest }) {
  const ended = request.completed_at !== null;
  const { data, error, reload } = useLoad<Delivery[]>(ended ? `/api/admin/deliveries/?request_id=${encodeURIComponent(request.id)}` : null);
  usePoll(reload, data?.body.some(({ status }) => status === "pending" || status === "failing") ?? false, LOOK_EVERY);
  return (
    <section>
      <h3>{t.requests.deliveries}</h3>
      {error && <Notice actions={<Button onClick={reload}>{t.list.tryAgain}</Button>}>{t.requests.deliveriesFailed(error)}</Notice>}
      {!ended && <p class="meta">{t.requests.noDeliveries}</p>}
      {ended && data?.body.length === 0 && <p class="meta">{t.requests.noEndpoint}</p>}
      {data && data.body.length > 0 && (
        <ul class="owed-list">
          {data.body.map((delivery) => (
            <li key={delivery.id}>
              <DeliveryMark status={delivery.status} />
              <a href={`/admin/deliveries/?request_id=${delivery.request_id}&open=${delivery.id}`}>{delivery.url || t.deliveries.endpoint(`#${delivery.endpoint}`)}</a>
              <span class="meta">{t.requests.tries(delivery.tried)}</span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Details({ request }: { request: AdminRequest }) {
  const { chat, evidence } = request;
  const metadata = useRef<HTMLPreElement>(null);
  return (
    <section>
      <h3>{t.requests.details}</h3>
      <Facts
        facts={[
          [t.requests.account, <a href={`/admin/accounts/${request.account.id}/`}>{request.account.email}</a>],
          [
            t.requests.chat,
            chat && (
              <>
                <span dir="auto">{chat.title ?? t.requests.chatName(chat.id)}</span> · <a href={`/admin/requests/?chat=${chat.id}`}>{t.requests.chatRequests}</a>
              </>
            ),
          ],
          [t.requests.asked, [t.requests.modes[request.response_type], request.response_type === "thinking" && t.requests.thinking[request.thinking_time]].filter(Boolean).join(", ")],
          [t.requests.mode, request.mode_used],
          [t.requests.evidence, evidence && [t.requests.evidenceOf[evidence.source] ?? evidence.source, evidence.complete ? t.requests.complete : t.requests.incomplete, evidence.note].filter(Boolean).join(", ")],
          [t.requests.created, exact(request.queued_at)],
          [t.requests.started, request.started_at && exact(request.started_at)],
          [t.requests.sent, request.may_be_sent_at && exact(request.may_be_sent_at)],
          [t.requests.completed, request.completed_at && exact(request.completed_at)],
          [t.requests.waited, request.started_at && took(Date.parse(request.started_at) - Date.parse(request.queued_at))],
          [t.requests.took, request.started_at && request.completed_at && took(Date.parse(request.completed_at) - Date.parse(request.started_at))],
          [t.requests.timeZone, zoneName()],
        ]}
      />
      {chat?.chat_id && <CopyId name={t.requests.siteChatId} id={chat.chat_id} />}
      {request.metadata !== null && (
        <>
          <div class="part-head">
            <h3>{t.requests.metadata}</h3>
            <CopyButton kind="quiet" text={JSON.stringify(request.metadata, null, 2)} shown={() => metadata.current} label={t.requests.copy(t.requests.metadata)} />
          </div>
          <pre class="long-text" ref={metadata} tabIndex={0}>
            {JSON.stringify(request.metadata, null, 2)}
          </pre>
        </>
      )}
    </section>
  );
}
