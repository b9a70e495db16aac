import { useEffect, useRef } from "preact/hooks";
import { Icon } from "../shared/icons";
import { exact, took, zone } from "../shared/time";
import { Button, CopyButton, Loading, Notice, StatusMark } from "../shared/ui";
import { useLoad, usePoll } from "./load";
import type { AdminRequest, RequestEvent } from "./types";

/** How often an unfinished request is read again, in milliseconds. */
const LOOK_EVERY = 2_000;

/** One request with all that happened to it. */
export function RequestDetail({ id, close }: { id: string; close: () => void }) {
  const { data, error, reload } = useLoad<{ request: AdminRequest; events: RequestEvent[] }>(`/api/admin/requests/${encodeURIComponent(id)}/`);
  const request = data?.body.request;
  usePoll(reload, request?.completed_at === null, LOOK_EVERY);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <>
      <header class="view-head">
        <h2 ref={heading} tabIndex={-1}>
          Request
        </h2>
        <button type="button" class="button quiet" aria-label="Close" onClick={close}>
          <Icon name="close" />
        </button>
      </header>
      {error && <Notice actions={<Button onClick={reload}>Try again</Button>}>The request could not be loaded. {error}</Notice>}
      {!data && !error && <Loading>Loading the request</Loading>}
      {request && (
        <div class="detail-parts">
          <Facts request={request} />
          <Text name="Message" text={request.message} />
          {request.response !== null && <Text name="Answer" text={request.response} />}
          {request.partial_response && <Text name="What had arrived" text={request.partial_response} />}
          <Timeline events={data.body.events} />
        </div>
      )}
    </>
  );
}

function Facts({ request }: { request: AdminRequest }) {
  const facts: [string, string | null | undefined][] = [
    ["Account", request.account.email],
    ["Chat", request.chat && (request.chat.title ?? "Chat " + request.chat.id)],
    ["Asked for", request.response_type + (request.response_type === "thinking" ? ", " + request.thinking_time : "")],
    ["Answered by", request.mode_used],
    ["Attempt", request.attempt?.toString()],
    ["Created", exact(request.queued_at)],
    ["Started", request.started_at && exact(request.started_at)],
    ["Ended", request.completed_at && exact(request.completed_at)],
  ];
  return (
    <section>
      <div class="actions">
        <StatusMark status={request.status} />
        {request.error_code && <code>{request.error_code}</code>}
      </div>
      {request.error_message && <Notice>{request.error_message}</Notice>}
      <div class="secret-row">
        <code>{request.id}</code>
        <CopyButton kind="quiet" text={request.id} label="Copy request id" />
      </div>
      <dl>
        {facts.map(
          ([name, value]) =>
            value && (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ),
        )}
      </dl>
      <p class="meta">Local time, {zone}</p>
    </section>
  );
}

function Text({ name, text }: { name: string; text: string }) {
  const body = useRef<HTMLDivElement>(null);
  return (
    <section>
      <div class="view-head">
        <h3>{name}</h3>
        <CopyButton kind="quiet" text={text} shown={() => body.current} label={"Copy " + name.toLowerCase()} />
      </div>
      <div class="long-text" ref={body} tabIndex={0} role="group" aria-label={name}>
        {text}
      </div>
    </section>
  );
}

function Timeline({ events }: { events: RequestEvent[] }) {
  return (
    <section>
      <h3>Events</h3>
      {events.length === 0 && <p class="meta">Nothing yet</p>}
      <ol class="timeline">
        {events.map((event, index) => {
          const before = events[index - 1];
          const data = event.data !== null && JSON.stringify(event.data) !== "{}" ? event.data : null;
          return (
            <li key={event.id}>
              <div class="timeline-head">
                <strong>{event.type}</strong>
                <time class="meta" dateTime={event.at}>
                  {exact(event.at)}
                </time>
                {before && <span class="meta">+{took(Date.parse(event.at) - Date.parse(before.at))}</span>}
              </div>
              {(event.attempt || event.worker_id) && <p class="meta">{[event.attempt && "attempt " + event.attempt, event.worker_id && "worker " + event.worker_id].filter(Boolean).join(" · ")}</p>}
              {data !== null && (
                <details>
                  <summary class="meta">Data</summary>
                  <pre>{JSON.stringify(data, null, 2)}</pre>
                </details>
              )}
            </li>
          );
        })}
      </ol>
    </section>
  );
}
