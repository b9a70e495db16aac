import { Button, Loading, Notice } from "../shared/ui";
import { EndpointSecret } from "./EndpointSecret";
import { EndpointMark, EndpointState, Owed } from "./EndpointState";
import { useLoad, usePoll, type Load } from "./load";
import { go } from "./router";
import { t } from "./texts";
import type { Endpoint } from "./types";

/** How often the endpoints' states are read again, in milliseconds. */
const LOOK_EVERY = 5_000;

/** How many endpoints an account may have beside its Webhook URL. */
const MOST_ENDPOINTS = 20;

interface SectionProps {
  /** The account's address in the API, and in the panel. */
  path: string;
  home: string;
  endpoints: Load<Endpoint[]>;
}

/** The endpoint that is the account's Webhook URL; none where it was never set, or taken away. */
export function primaryOf(endpoints: Load<Endpoint[]>): Endpoint | undefined {
  return endpoints.data?.body.find(({ primary, url }) => primary && url !== "");
}

/** How the account's Webhook URL does, and its secret. */
export function WebhookSection({ path: of, home, endpoints, at }: SectionProps & { at: string }) {
  const listed = primaryOf(endpoints);
  const path = listed ? `${of}endpoints/${listed.id}/` : null;
  const { data, reload } = useLoad<Endpoint>(path);
  usePoll(reload, path !== null, LOOK_EVERY);
  const changed = async () => {
    await Promise.all([reload(), endpoints.reload()]);
  };
  const endpoint = data?.body ?? listed;
  if (!endpoint || path === null) return endpoints.data && <Empty />;
  return (
    <>
      <section>
        <h2>{t.endpoints.title}</h2>
        <EndpointState endpoint={endpoint} path={path} reload={changed} />
        {endpoint.counts && <Owed endpoint={endpoint} />}
        <p>
          <a href={`${home}endpoints/${endpoint.id}/`}>{t.endpoints.options}</a>
        </p>
      </section>
      <EndpointSecret endpoint={endpoint} path={path} at={at} reload={changed} />
    </>
  );
}

function Empty() {
  return (
    <section>
      <h2>{t.endpoints.title}</h2>
      <p class="hint">{t.endpoints.noWebhook}</p>
    </section>
  );
}

/** The endpoints beside the Webhook URL. */
export function EndpointsSection({ home, endpoints }: SectionProps) {
  const { data, error, reload } = endpoints;
  usePoll(reload, data !== null, LOOK_EVERY);
  const further = data?.body.filter(({ primary }) => !primary) ?? [];
  return (
    <section>
      <h2>{t.endpoints.further}</h2>
      <p>{t.endpoints.furtherHint(MOST_ENDPOINTS)}</p>
      {error && <Notice actions={<Button onClick={reload}>{t.accounts.tryAgain}</Button>}>{t.endpoints.failed(error)}</Notice>}
      {!data && !error && <Loading>{t.endpoints.loading}</Loading>}
      {further.length > 0 && <Table endpoints={further} home={home} />}
      {further.length < MOST_ENDPOINTS && (
        <div class="actions">
          <Button icon="plus" onClick={() => go(home + "endpoints/new/")}>
            {t.endpoints.fresh}
          </Button>
        </div>
      )}
    </section>
  );
}

function Table({ endpoints, home }: { endpoints: Endpoint[]; home: string }) {
  return (
    <table class="rows endpoints">
      <thead>
        <tr>
          <th>{t.endpoints.status}</th>
          <th>{t.endpoints.url}</th>
          <th>{t.endpoints.events}</th>
          <th>{t.endpoints.rate}</th>
        </tr>
      </thead>
      <tbody>
        {endpoints.map((endpoint) => (
          <tr key={endpoint.id}>
            <td>
              <EndpointMark endpoint={endpoint} />
            </td>
            <td class="first cut">
              <a href={`${home}endpoints/${endpoint.id}/`} title={endpoint.url}>
                {endpoint.url}
              </a>
            </td>
            <td data-label={t.endpoints.events}>{events(endpoint)}</td>
            <td data-label={t.endpoints.rate}>{endpoint.rate_limit === 0 ? t.endpoints.rateNone : t.endpoints.rateWords(endpoint.rate_limit)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function events(endpoint: Endpoint): string {
  const [only, another] = endpoint.events;
  return only && !another ? t.endpoints.eventWords[only] : t.endpoints.eventsAll;
}
