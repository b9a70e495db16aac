import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { announce } from "../../shared/announce";
import { language } from "../../shared/language";
import { clock, took } from "../../shared/time";
import { Button, Loading, Notice } from "../../shared/ui";
import { EndpointMark } from "../EndpointState";
import { useLoad, usePoll } from "../load";
import { t } from "../texts";
import type { Overview, UnwellEndpoint } from "../types";
import { hideSteps, steps, stepsHidden } from "./begin";
import { FirstRun } from "./FirstRun";
import { Hours } from "./Hours";
import { stepsDone } from "./steps";

/** How often it is read again, in milliseconds. */
const LOOK_EVERY = 2_000;

/** What matters now, how the last day was, and the first steps until they are done. */
export function OverviewPage() {
  const { data, error, reload } = useLoad<Overview>("/api/admin/overview/");
  usePoll(reload, true, LOOK_EVERY);
  const [hidden, setHidden] = useState(stepsHidden);
  const overview = data?.body;
  const beginning = overview !== undefined && !stepsDone(overview.first_run);
  const [finished, setFinished] = useState(false);
  useEffect(() => {
    if (!overview) return;
    if (steps.begun && !beginning) {
      announce(t.firstRun.all);
      setFinished(true);
    }
    steps.begun = beginning;
  }, [beginning, overview !== undefined]);
  const hide = (now: boolean) => {
    setHidden(now);
    hideSteps(now);
  };
  return (
    <>
      <header class="view-head">
        <h1 tabIndex={-1}>{t.frame.views.overview}</h1>
        {beginning && hidden && <Button onClick={() => hide(false)}>{t.firstRun.show}</Button>}
      </header>
      {error && <Notice actions={<Button onClick={reload}>{t.overview.tryAgain}</Button>}>{t.overview.failed(error)}</Notice>}
      {!overview && !error && <Loading>{t.overview.loading}</Loading>}
      {overview && (
        <div class="overview">
          {finished && !hidden && <Notice tone="ok">{t.firstRun.all}</Notice>}
          {beginning && !hidden && <FirstRun overview={overview} hide={() => hide(true)} />}
          <Now overview={overview} />
          <Endpoints endpoints={overview.endpoints} />
          <Day overview={overview} />
        </div>
      )}
    </>
  );
}

const number = (n: number) => n.toLocaleString(language);

function Figure({ name, href, children, tone }: { name: string; href: string; children: ComponentChildren; tone?: "bad" | "warn" | undefined }) {
  return (
    <li class="figure">
      <a href={href}>
        <span class="figure-name">{name}</span>
        <span class={"figure-value" + (tone ? " " + tone : "")}>{children}</span>
      </a>
    </li>
  );
}

function Now({ overview: { queue, workers, deliveries } }: { overview: Overview }) {
  const nobody = workers.connected === 0;
  return (
    <section aria-labelledby="overview-now">
      <h2 id="overview-now">{t.overview.now}</h2>
      <ul class="figures">
        <Figure name={t.overview.waiting} href="/admin/requests/?status=idle">
          {number(queue.idle)}
        </Figure>
        <Figure name={t.overview.executing} href="/admin/requests/?status=executing">
          {number(queue.executing)}
        </Figure>
        <Figure name={t.overview.workers} href="/admin/workers/" tone={nobody ? "bad" : workers.paused > 0 ? "warn" : undefined}>
          {t.overview.workersOf(workers.connected, workers.total)}
          {workers.paused > 0 && <span class="figure-more">{t.overview.paused(workers.paused)}</span>}
        </Figure>
        {(["pending", "failing", "dead"] as const).map((status) => (
          <Figure key={status} name={t.overview.owed[status]} href={`/admin/deliveries/?status=${status}`} tone={status !== "pending" && deliveries[status] > 0 ? (status === "dead" ? "bad" : "warn") : undefined}>
            {number(deliveries[status])}
          </Figure>
        ))}
      </ul>
    </section>
  );
}

function Endpoints({ endpoints }: { endpoints: UnwellEndpoint[] }) {
  return (
    <section aria-labelledby="overview-endpoints">
      <h2 id="overview-endpoints">{t.overview.endpoints}</h2>
      {endpoints.length === 0 && <p class="meta">{t.overview.allWell}</p>}
      {endpoints.length > 0 && (
        <ul class="unwell">
          {endpoints.map((endpoint) => (
            <li key={endpoint.id}>
              <EndpointMark endpoint={endpoint} />
              <a href={`/admin/accounts/${endpoint.account.id}/endpoints/${endpoint.id}/`}>{endpoint.url}</a>
              <span class="meta">
                {endpoint.account.email} · {how(endpoint)}
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function how(endpoint: UnwellEndpoint): string {
  if (endpoint.status === "off") return t.overview.switchedOff(endpoint.disabled_reason ?? "");
  if (endpoint.status === "on_hold" && endpoint.hold_until) return t.overview.holdUntil(clock(endpoint.hold_until));
  return endpoint.failing_since ? t.overview.since(clock(endpoint.failing_since)) : "";
}

function Day({ overview }: { overview: Overview }) {
  const { hours, failures, wait_ms, answer_ms, sampled } = overview;
  return (
    <section aria-labelledby="overview-day">
      <h2 id="overview-day">{t.overview.day}</h2>
      {sampled && <p class="meta">{t.overview.sampled}</p>}
      <div class="day">
        <div class="day-part day-hours">
          <h3>{t.overview.answers}</h3>
          <Hours hours={hours} />
        </div>
        <div class="day-part">
          <h3>{t.overview.wait}</h3>
          <Spread lengths={wait_ms} />
          <h3>{t.overview.answer}</h3>
          <Spread lengths={answer_ms} />
        </div>
        <div class="day-part">
          <h3>{t.overview.failures}</h3>
          {failures.length === 0 && <p class="meta">{t.overview.noFailures}</p>}
          <ul class="failures">
            {failures.map(({ code, count }) => (
              <li key={code}>
                <a href={`/admin/requests/?status=failed&code=${code}&last=24h`}>{code}</a>
                <span class="number">{number(count)}</span>
              </li>
            ))}
          </ul>
        </div>
      </div>
    </section>
  );
}

function Spread({ lengths }: { lengths: { p50: number; p95: number } | null }) {
  if (!lengths) return <p class="meta">{t.overview.noFigures}</p>;
  return (
    <dl>
      <div>
        <dt>{t.overview.half}</dt>
        <dd>{took(lengths.p50)}</dd>
      </div>
      <div>
        <dt>{t.overview.most}</dt>
        <dd>{took(lengths.p95)}</dd>
      </div>
    </dl>
  );
}
