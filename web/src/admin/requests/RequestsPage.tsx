import { useState } from "preact/hooks";
import { announce } from "../../shared/announce";
import { ask as question } from "../../shared/dialog";
import { Icon } from "../../shared/icons";
import type { Status } from "../../shared/types";
import { Button, CopyButton, StatusMark } from "../../shared/ui";
import { STATUS_WORDS } from "../../shared/words";
import type { Filter } from "../list/filters";
import { ListPage, type ListHandle } from "../list/ListPage";
import type { Column } from "../list/Row";
import { Cut, Moment } from "../parts";
import { useAct } from "../save";
import { ask } from "../session";
import { t } from "../texts";
import type { AdminRequest, RequestWithEvents } from "../types";
import { Answered, Waited } from "./lengths";
import { RequestDetail } from "./RequestDetail";

/** The codes of failed requests. */
const CODES = ["rate_limited", "logged_out", "challenge", "mode_unavailable", "too_long", "chat_not_found", "page_changed", "incomplete_answer", "worker_lost", "timeout", "expired", "cancelled", "worker_error", "internal"];

/** A list shows the start of each message; whole texts would be megabytes, every two seconds. */
const ROWS_ONLY = { texts: "start" };

/** Enough of a message for the widest row, in UTF-16 units. */
const START = 160;

/** The beginning of a message, on one line. */
export function start(message: string | null): string {
  return (message ?? "").slice(0, START).replace(/\s+/g, " ").trim() || t.requests.blank;
}

/** All requests, newest first. */
export function RequestsPage({ query }: { query: URLSearchParams }) {
  const filters: Filter[] = [
    { kind: "choice", name: "status", label: t.list.status, options: (Object.keys(STATUS_WORDS) as Status[]).map((status) => ({ value: status, words: STATUS_WORDS[status].word })) },
    { kind: "account", name: "account" },
    { kind: "choice", name: "code", label: t.requests.code, options: CODES.map((code) => ({ value: code, words: code })) },
    { kind: "time" },
    { kind: "text", name: "q", label: t.list.search, placeholder: t.requests.searchIn },
    { kind: "given", name: "chat", words: t.requests.ofChat },
  ];
  const columns: Column<AdminRequest>[] = [
    { head: t.requests.created, width: 108, narrow: "secondEnd", cell: (row) => <Moment at={row.queued_at} /> },
    { head: t.list.status, width: 152, narrow: "firstEnd", cell: (row) => <StatusMark status={row.status} /> },
    { head: t.requests.message, narrow: "first", opens: true, cell: (row) => <Cut text={start(row.message)} /> },
    { head: t.list.account, width: 172, narrow: "second", spare: true, cell: (row) => <Cut text={row.account.email} /> },
    { head: t.requests.code, width: 136, spare: "first", cell: (row) => row.error_code && <code title={row.error_code}>{row.error_code}</code> },
    { head: t.requests.waited, width: 88, number: true, spare: "first", cell: (row) => <Waited request={row} /> },
    { head: t.requests.took, width: 100, number: true, spare: "first", cell: (row) => <Answered request={row} /> },
  ];
  return (
    <ListPage<AdminRequest>
      title={t.frame.views.requests}
      base="/admin/requests/"
      api="/api/admin/requests/"
      always={ROWS_ONLY}
      query={query}
      filters={filters}
      columns={columns}
      id={(row) => row.id}
      live={{ moving: (row) => row.completed_at === null, at: (row) => row.queued_at }}
      name={(row) => start(row.message)}
      loading={t.requests.loading}
      failed={t.requests.failed}
      empty={
        <>
          <p>{t.requests.none}</p>
          <a class="button" href="/">
            <Icon name="send" />
            {t.requests.sendOne}
          </a>
        </>
      }
      drawer={{ label: t.requests.one, content: (id, _, list) => <RequestDetail id={id} changed={list.put} /> }}
      selected={(rows, list) => <Selected rows={rows} list={list} />}
    />
  );
}

function Selected({ rows, list }: { rows: AdminRequest[]; list: ListHandle<AdminRequest> }) {
  const { busy, error, act } = useAct();
  const [came, setCame] = useState<string | null>(null);
  const unfinished = rows.filter((row) => row.completed_at === null);
  const cancel = async () => {
    if (!(await question(t.requests.cancelManyAsk(unfinished.length), t.requests.cancelMany(unfinished.length)))) return;
    await act(async () => {
      let done = 0;
      // One after the other: each is its own, and one that has ended meanwhile must not stop the rest.
      for (const { id } of unfinished)
        try {
          list.put((await ask<RequestWithEvents>(`/api/admin/requests/${id}/cancel/`, { method: "POST" })).body.request);
          done++;
        } catch {
          continue;
        }
      const words = t.requests.cancelManyDone(done, unfinished.length);
      announce(words);
      if (done === unfinished.length) list.deselect();
      else setCame(words);
    });
  };
  return (
    <>
      <CopyButton text={rows.map(({ id }) => id).join("\n")}>{t.requests.copyIds(rows.length)}</CopyButton>
      {unfinished.length > 0 && (
        <Button icon="stop" disabled={busy} onClick={cancel}>
          {t.requests.cancelMany(unfinished.length)}
        </Button>
      )}
      {(error ?? came) && <span class="error">{error ?? came}</span>}
    </>
  );
}
