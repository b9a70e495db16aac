import { useEffect } from "preact/hooks";
import { Icon } from "../shared/icons";
import { clock, counting, exact, now, tick } from "../shared/time";
import { CopyButton, Notice } from "../shared/ui";
import { useLoad } from "./load";
import { t } from "./texts";
import type { Worker, WorkerLease } from "./types";
import { matchedOf, nameOf, pauseWords } from "./workers";
import { WorkersDoctor } from "./WorkersDoctor";

/** All that is known of a worker. */
export function WorkersDetail({ worker }: { worker: Worker }) {
  useEffect(tick, []);
  const pause = pauseWords(worker, now.value);
  const came = clock(worker.hello_at);
  return (
    <div class="drawer-body">
      <section>
        <h3 dir="auto">{nameOf(worker)}</h3>
        <p>{worker.connected ? t.workers.connectedSince(came) : t.workers.lastCame(came)}</p>
        {pause && <Notice tone="warn">{pause}</Notice>}
        <Facts worker={worker} />
      </section>
      <section>
        <h3>{t.workers.holding}</h3>
        {worker.leases.length === 0 ? <p class="meta">{t.workers.holdsNothing}</p> : <Leases leases={worker.leases} />}
      </section>
      <Health worker={worker} />
      <WorkersDoctor worker={worker} />
    </div>
  );
}

function Facts({ worker }: { worker: Worker }) {
  const { data } = useLoad<{ version: number | null }>("/api/admin/pack/");
  const version = data?.body.version ?? null;
  return (
    <dl>
      <div>
        <dt>{t.workers.account}</dt>
        <dd>
          <a href={`/admin/accounts/${worker.account.id}/`}>{worker.account.email}</a>
        </dd>
      </div>
      <div>
        <dt>{t.workers.version}</dt>
        <dd>{worker.version || "–"}</dd>
      </div>
      <div>
        <dt>{t.workers.site}</dt>
        <dd>{worker.site || "–"}</dd>
      </div>
      <div>
        <dt>{t.workers.dialect}</dt>
        <dd>{t.workers.dialects[worker.dialect]}</dd>
      </div>
      <div>
        <dt>{t.workers.types}</dt>
        <dd>{worker.response_types.length === 0 ? t.workers.typesAll : worker.response_types.join(", ")}</dd>
      </div>
      <div>
        <dt>{t.workers.node}</dt>
        <dd>{worker.node}</dd>
      </div>
      {data && worker.dialect === "chatbridge.v1" && (
        <div>
          <dt>{t.workers.pack}</dt>
          <dd>{version === null ? t.workers.packNone : t.workers.packPublished(String(version))}</dd>
        </div>
      )}
      <div class="with-copy">
        <dt>{t.workers.id}</dt>
        <dd>
          <code>{worker.worker_id}</code> <CopyButton kind="quiet" text={worker.worker_id} label={t.workers.copyId} />
        </dd>
      </div>
    </dl>
  );
}

function Leases({ leases }: { leases: WorkerLease[] }) {
  const since = (iso: string) => counting(now.value - Date.parse(iso));
  return (
    <ul class="leases">
      {leases.map((lease) => (
        <li key={lease.request_id + lease.attempt}>
          <a href={`/admin/requests/?open=${encodeURIComponent(lease.request_id)}`}>
            {lease.request_id}
          </a>
          <p class="meta">
            {[
              t.workers.attempt(lease.attempt),
              t.workers.takenFor(since(lease.taken_at)),
              lease.may_be_sent_at ? t.workers.sentFor(since(lease.may_be_sent_at)) : t.workers.notSent,
              lease.cancelled ? t.workers.cancelled : t.workers.silence(counting(Date.parse(lease.expires_at) - now.value)),
            ].join(" · ")}
          </p>
        </li>
      ))}
    </ul>
  );
}

function Health({ worker }: { worker: Worker }) {
  const { health } = worker;
  const matched = matchedOf(worker);
  return (
    <section>
      <h3>{t.workers.health}</h3>
      {!health && <p class="meta">{t.workers.healthNone}</p>}
      {health && (
        <>
          {!worker.connected && <p class="meta">{t.workers.healthAway}</p>}
          <dl>
            <YesNo name={t.workers.loggedIn} yes={health.logged_in} />
            <YesNo name={t.workers.pageOk} yes={health.page_ok} />
            <div>
              <dt>{t.workers.limited}</dt>
              <dd>{health.limited_until ? <time dateTime={health.limited_until}>{exact(health.limited_until)}</time> : t.workers.notLimited}</dd>
            </div>
          </dl>
        </>
      )}
      {matched.length > 0 && (
        <details>
          <summary>{t.workers.matched(matched.length)}</summary>
          <dl class="matched">
            {matched.map(([hook, alternative]) => (
              <div key={hook}>
                <dt>
                  <code>{hook}</code>
                </dt>
                <dd>→ {alternative || t.workers.nothing}</dd>
              </div>
            ))}
          </dl>
        </details>
      )}
    </section>
  );
}

function YesNo({ name, yes }: { name: string; yes: boolean }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <span class={"mark " + (yes ? "ok" : "bad")}>
          <Icon name={yes ? "check" : "close"} />
          {yes ? t.workers.yes : t.workers.no}
        </span>
      </dd>
    </div>
  );
}
