import { useEffect, useState } from "preact/hooks";
import { announce } from "../../shared/announce";
import { clock, counting, now, tick } from "../../shared/time";
import { Button } from "../../shared/ui";
import { accountName, readAccounts } from "../accounts";
import type { Filter, Values } from "../list/filters";
import { ListPage, type ListHandle } from "../list/ListPage";
import type { Column } from "../list/Row";
import { useLoad } from "../load";
import { Cut, Moment } from "../parts";
import { withQuery } from "../router";
import { useAct } from "../save";
import { ask } from "../session";
import { t } from "../texts";
import type { Delivery, DeliveryStatus } from "../types";
import { DeliveryDetail } from "./DeliveryDetail";
import { DeliveryMark } from "./DeliveryMark";
import { ReplayAll } from "./ReplayAll";
import { Replays } from "./Replays";

const STATUSES: DeliveryStatus[] = ["pending", "failing", "delivered", "dead"];

/** What the server's ids of requests look like. */
const REQUEST_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** All deliveries, newest first; one or all that match are sent again. */
export function DeliveriesPage({ query }: { query: URLSearchParams }) {
  const endpoint = query.get("endpoint") ?? "";
  useEffect(() => void readAccounts(), []);
  // An endpoint in the address is only a number: one of its deliveries says where it leads.
  const of = useLoad<Delivery[]>(endpoint ? withQuery("/api/admin/deliveries/", { endpoint, limit: "1" }) : null);
  const filters: Filter[] = [
    { kind: "several", name: "status", label: t.list.status, options: STATUSES.map((status) => ({ value: status, words: t.deliveries.statuses[status] })) },
    { kind: "account", name: "account" },
    { kind: "time" },
    { kind: "text", name: "request_id", label: t.deliveries.request, placeholder: t.deliveries.requestIdHint, only: REQUEST_ID },
    { kind: "given", name: "endpoint", words: (id) => t.deliveries.endpoint(of.data?.body[0]?.url || `#${id}`) },
  ];
  const columns: Column<Delivery>[] = [
    { head: t.deliveries.owed, width: 124, narrow: "secondEnd", cell: (row) => <Moment at={row.created_at} /> },
    { head: t.list.status, width: 128, narrow: "firstEnd", cell: (row) => <DeliveryMark status={row.status} /> },
    { head: t.deliveries.to, share: 2, narrow: "first", opens: true, cell: (row) => <Cut text={row.url || t.deliveries.endpoint(`#${row.endpoint}`)} /> },
    { head: t.list.account, width: 172, narrow: "second", spare: "first", cell: (row) => <Cut text={accountName(row.account)} /> },
    { head: t.deliveries.triesHead, width: 84, number: true, spare: true, cell: (row) => row.tried },
    { head: t.deliveries.problem, share: 2, spare: true, cell: (row) => <Problem delivery={row} /> },
  ];
  const [began, setBegan] = useState<number | null>(null);
  return (
    <ListPage<Delivery>
      title={t.frame.views.deliveries}
      base="/admin/deliveries/"
      api="/api/admin/deliveries/"
      query={query}
      filters={filters}
      columns={columns}
      id={(row) => String(row.id)}
      live={{ moving: (row) => row.ended_at === null, at: (row) => row.created_at }}
      name={(row) => `${row.url}, ${clock(row.created_at)}`}
      loading={t.deliveries.loading}
      failed={t.deliveries.failed}
      empty={
        <>
          <p>{t.deliveries.none}</p>
          <a class="button" href="/admin/requests/">
            {t.deliveries.noneAction}
          </a>
        </>
      }
      head={(values: Values) => <ReplayAll values={values} began={setBegan} />}
      above={<Replays began={began} />}
      drawer={{ label: t.deliveries.one, content: (id, _, list) => <DeliveryDetail id={id} changed={list.put} /> }}
      selected={(rows, list) => <Selected rows={rows} list={list} />}
    />
  );
}

/** Why it is not delivered yet, and when it is tried next. */
function Problem({ delivery }: { delivery: Delivery }) {
  const counts = delivery.next_try_at !== null && delivery.tried > 0;
  useEffect(() => (counts ? tick() : undefined), [counts]);
  const left = counts ? Date.parse(delivery.next_try_at ?? "") - now.value : 0;
  return (
    <span class="meta" title={delivery.error ?? undefined}>
      {left > 0 && <span class="number">{counting(left)} · </span>}
      {delivery.error}
    </span>
  );
}

function Selected({ rows, list }: { rows: Delivery[]; list: ListHandle<Delivery> }) {
  const { busy, error, act } = useAct();
  const [came, setCame] = useState<string | null>(null);
  const replay = () =>
    act(async () => {
      setCame(null);
      let done = 0;
      let why = "";
      // One after the other: each may be refused for a reason of its own.
      for (const { id } of rows)
        try {
          list.put((await ask<Delivery>(`/api/admin/deliveries/${id}/replay/`, { method: "POST" })).body);
          done++;
        } catch (failure) {
          why = failure instanceof Error ? failure.message : "";
        }
      const words = [t.deliveries.replayManyDone(done, rows.length), why].filter(Boolean).join(" ");
      announce(words);
      if (done === rows.length) list.deselect();
      else setCame(words);
    });
  return (
    <>
      <Button icon="again" disabled={busy} onClick={replay}>
        {t.deliveries.replayMany(rows.length)}
      </Button>
      {(error ?? came) && <span class="error">{error ?? came}</span>}
    </>
  );
}
