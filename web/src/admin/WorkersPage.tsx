import { Icon, type IconName } from "../shared/icons";
import { clock, counting, exact } from "../shared/time";
import { Button, Loading, Notice } from "../shared/ui";
import { useLeft } from "./left";
import type { Filter } from "./list/filters";
import { ListPage } from "./list/ListPage";
import type { Column } from "./list/Row";
import { useLoad } from "./load";
import { Cut } from "./parts";
import { go, place } from "./router";
import { t } from "./texts";
import type { Worker } from "./types";
import { WorkersDetail } from "./WorkersDetail";
import { WorkersPair } from "./WorkersPair";
import { idOf, nameOf, stateOf, type WorkerState } from "./workers";

const PAIR = "/admin/workers/pair/";

/** The workers, /admin/workers/, and the way to a new one, /admin/workers/pair/. */
export function WorkersPage({ query }: { query: URLSearchParams }) {
  return place.value.startsWith(PAIR) ? <WorkersPair account={query.get("account") ?? ""} /> : <List query={query} />;
}

const FILTERS: Filter[] = [{ kind: "account", name: "account" }];

function List({ query }: { query: URLSearchParams }) {
  const account = query.get("account") ?? "";
  const pair = () => go(PAIR + (account && `?account=${encodeURIComponent(account)}`));
  const columns: Column<Worker>[] = [
    { head: t.workers.state, cell: (worker) => <WorkerMark worker={worker} />, width: 152, narrow: "firstEnd" },
    { head: t.workers.name, cell: (worker) => <Cut text={nameOf(worker)} />, opens: true, narrow: "first" },
    { head: t.workers.account, cell: (worker) => <Cut text={worker.account.email} />, narrow: "second" },
    { head: t.workers.holds, cell: (worker) => t.workers.holdsOf(worker.leases.length, worker.capacity), width: 80, narrow: "secondEnd" },
    { head: t.workers.version, cell: (worker) => <Cut text={worker.version} />, width: 88, spare: true },
    { head: t.workers.site, cell: (worker) => <Cut text={worker.site} />, width: 124, spare: "first" },
    { head: t.workers.seen, cell: (worker) => <Seen worker={worker} />, width: 148, spare: true },
  ];
  return (
    <ListPage<Worker>
      title={t.workers.title}
      base="/admin/workers/"
      api="/api/admin/workers/"
      query={query}
      filters={FILTERS}
      columns={columns}
      id={idOf}
      name={nameOf}
      loading={t.workers.loading}
      failed={t.workers.failed}
      empty={
        <>
          <p>{t.workers.none}</p>
          <Button icon="plus" onClick={pair}>
            {t.workers.pair}
          </Button>
        </>
      }
      head={
        <Button icon="plus" kind="main" onClick={pair}>
          {t.workers.pair}
        </Button>
      }
      drawer={{ label: t.workers.one, content: (id, worker) => (worker ? <WorkersDetail worker={worker} /> : <Unlisted id={id} />) }}
    />
  );
}

/** A worker that the list does not show, or not yet. */
function Unlisted({ id }: { id: string }) {
  const { data, error, reload } = useLoad<Worker[]>(`/api/admin/workers/?account=${encodeURIComponent(id.split("/")[0] ?? "")}`);
  const worker = data?.body.find((one) => idOf(one) === id);
  if (worker) return <WorkersDetail worker={worker} />;
  return (
    <div class="drawer-body">
      {error && <Notice actions={<Button onClick={reload}>{t.accounts.tryAgain}</Button>}>{t.workers.failed(error)}</Notice>}
      {!data && !error && <Loading>{t.workers.loading}</Loading>}
      {data && <p>{t.workers.unknown}</p>}
    </div>
  );
}

const LOOKS: Record<WorkerState, { icon: IconName; tone: string }> = {
  connected: { icon: "done", tone: "ok" },
  paused: { icon: "clock", tone: "warn" },
  away: { icon: "power", tone: "plain" },
};

/** How a worker is, as icon, word and colour; a pause with an end counts down to it. */
function WorkerMark({ worker }: { worker: Worker }) {
  const state = stateOf(worker);
  const until = state === "paused" ? worker.paused_until : null;
  const left = useLeft(until);
  return (
    <span class={"mark " + LOOKS[state].tone}>
      <Icon name={LOOKS[state].icon} />
      {t.workers.states[state]} {until && left > 0 && counting(left)}
    </span>
  );
}

function Seen({ worker }: { worker: Worker }) {
  const words = clock(worker.hello_at);
  return (
    <time dateTime={worker.hello_at} title={exact(worker.hello_at)}>
      {worker.connected ? t.workers.since(words) : words}
    </time>
  );
}
