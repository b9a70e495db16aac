import { exact, took } from "../../shared/time";
import { LongText } from "../parts";
import { t } from "../texts";
import type { AdminRequest, RequestEvent } from "../types";

/** All that happened to a request, oldest first: when, how long after the one before, by which worker at which attempt. */
export function Timeline({ request, events }: { request: AdminRequest; events: RequestEvent[] }) {
  return (
    <section>
      <h3>{t.requests.events}</h3>
      {events.length === 0 && <p class="meta">{t.requests.noEvents}</p>}
      <ol class="timeline">
        {events.map((event, index) => {
          const before = events[index - 1];
          return (
            <li key={event.id}>
              <div class="timeline-head">
                <strong>{wordsOf(event, request)}</strong>
                <time class="meta" dateTime={event.at}>
                  {exact(event.at)}
                </time>
                {before && <span class="meta">+{took(Date.parse(event.at) - Date.parse(before.at))}</span>}
              </div>
              {(event.attempt || event.worker_id) && (
                <p class="meta">
                  {event.attempt ? t.requests.attempt(event.attempt) : ""}
                  {event.attempt && event.worker_id ? " · " : ""}
                  {event.worker_id && (
                    <>
                      {t.requests.worker} <code>{event.worker_id}</code>
                    </>
                  )}
                </p>
              )}
              <Data data={event.data} />
            </li>
          );
        })}
      </ol>
    </section>
  );
}

function wordsOf(event: RequestEvent, request: AdminRequest): string {
  if (event.type === "end") return request.status === "failed" ? [t.requests.ended.failed, request.error_code].filter(Boolean).join(": ") : t.requests.ended.done;
  const known: Partial<Record<string, string>> = t.requests.event;
  return known[event.type] ?? event.type;
}

/** What an event carries: why a request was put back, or an answer that came too late. */
function Data({ data }: { data: unknown }) {
  if (typeof data !== "object" || data === null || Object.keys(data).length === 0) return null;
  if ("reason" in data && typeof data.reason === "string") return <p class="meta">{t.requests.reason(data.reason)}</p>;
  if ("response" in data && typeof data.response === "string") return <LongText name={t.requests.lateAnswer} text={data.response} />;
  return <pre>{JSON.stringify(data, null, 2)}</pre>;
}
