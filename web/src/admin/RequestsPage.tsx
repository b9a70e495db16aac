import { useEffect, useRef, useState } from "preact/hooks";
import { sentence } from "../shared/api";
import { Dialog } from "../shared/dialog";
import { Icon } from "../shared/icons";
import { media } from "../shared/media";
import { clock, exact, took, zone } from "../shared/time";
import type { Status } from "../shared/types";
import { Button, Loading, Notice, StatusMark } from "../shared/ui";
import { STATUS_WORDS } from "../shared/words";
import { useLoad, usePoll } from "./load";
import { RequestDetail } from "./RequestDetail";
import { go, withQuery } from "./router";
import { merge } from "./rows";
import { ask } from "./session";
import type { Account, AdminRequest } from "./types";

/** How often the newest rows are read again, in milliseconds. */
const LOOK_EVERY = 2_000;

/** A pause in typing after which the search is made, in milliseconds. */
const SEARCH_AFTER = 300;

const ROWS_A_PAGE = 100;

const roomy = media("(min-width: 1100px)");

/** All requests, newest first, with filters; a row opens beside the list. The URL holds all of it. */
export function RequestsPage({ query }: { query: URLSearchParams }) {
  const filters = { status: query.get("status") ?? "", account: query.get("account") ?? "", q: query.get("q") ?? "" };
  const openId = query.get("open") ?? "";
  const filtered = Object.values(filters).some(Boolean);
  const path = withQuery("/api/admin/requests/", { ...filters, limit: String(ROWS_A_PAGE) });
  const address = (changes: Partial<typeof filters> & { open?: string }) => withQuery("/admin/requests/", { ...filters, open: openId, ...changes });

  const close = () => {
    void go(address({ open: "" }));
    document.getElementById("row-" + openId)?.focus();
  };
  const detail = openId && <RequestDetail key={openId} id={openId} close={close} />;
  return (
    <div class={"requests" + (detail && roomy.value ? " with-detail" : "")}>
      <div class="requests-list">
        <header class="view-head">
          <h1 tabIndex={-1}>Requests</h1>
          <p class="meta">Local time, {zone}</p>
        </header>
        <Filters filters={filters} change={(changes) => go(address(changes), { replace: true })} />
        <List key={path} path={path} filtered={filtered} openId={openId} address={address} />
      </div>
      {detail && roomy.value && (
        <aside class="detail" aria-label="Request" onKeyDown={(event) => event.key === "Escape" && close()}>
          {detail}
        </aside>
      )}
      {detail && !roomy.value && (
        <Dialog label="Request" class="detail" onClose={close}>
          {detail}
        </Dialog>
      )}
    </div>
  );
}

interface FilterValues {
  status: string;
  account: string;
  q: string;
}

function Filters({ filters, change }: { filters: FilterValues; change: (changes: Partial<FilterValues>) => void }) {
  const accounts = useLoad<Account[]>("/api/admin/accounts/?limit=500");
  const [search, setSearch] = useState(filters.q);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  // Back and "Clear filters" change the search from outside; what is being typed is not overwritten by its own echo.
  const sent = useRef(filters.q);
  useEffect(() => {
    if (filters.q !== sent.current) setSearch((sent.current = filters.q));
  }, [filters.q]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const typed = (text: string) => {
    setSearch(text);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => change({ q: (sent.current = text.trim()) }), SEARCH_AFTER);
  };
  return (
    <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
      <label>
        <span>Status</span>
        <select value={filters.status} onChange={(event) => change({ status: event.currentTarget.value })}>
          <option value="">All</option>
          {(Object.keys(STATUS_WORDS) as Status[]).map((status) => (
            <option key={status} value={status}>
              {STATUS_WORDS[status].word}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span>Account</span>
        <select value={filters.account} onChange={(event) => change({ account: event.currentTarget.value })}>
          <option value="">All</option>
          {accounts.data?.body.map((account) => (
            <option key={account.id} value={String(account.id)}>
              {account.email}
            </option>
          ))}
        </select>
      </label>
      <label class="wide">
        <span>Search</span>
        <input type="search" placeholder="Message or answer" value={search} onInput={(event) => typed(event.currentTarget.value)} />
      </label>
    </form>
  );
}

interface ListProps {
  path: string;
  filtered: boolean;
  openId: string;
  address: (changes: { open: string }) => string;
}

function List({ path, filtered, openId, address }: ListProps) {
  const { data, error, reload } = useLoad<AdminRequest[]>(path);
  const [rows, setRows] = useState<AdminRequest[] | null>(null);
  const [next, setNext] = useState<string | null>(null);
  const [more, setMore] = useState<{ busy: boolean; error: string | null; pages: number }>({ busy: false, error: null, pages: 0 });
  usePoll(reload, data !== null, LOOK_EVERY);
  useEffect(() => {
    if (!data) return;
    setRows((shown) => merge(shown ?? [], data.body, data.next === null));
    if (more.pages === 0) setNext(data.next);
  }, [data]);

  const loadMore = async () => {
    if (!next) return;
    setMore({ ...more, busy: true, error: null });
    try {
      const page = await ask<AdminRequest[]>(next);
      setRows((shown) => {
        const ids = new Set(shown?.map(({ id }) => id));
        return [...(shown ?? []), ...page.body.filter(({ id }) => !ids.has(id))];
      });
      setNext(page.next);
      setMore({ busy: false, error: null, pages: more.pages + 1 });
    } catch (failure) {
      setMore({ ...more, busy: false, error: sentence(failure) });
    }
  };

  return (
    <>
      {error && <Notice actions={<Button onClick={reload}>Try again</Button>}>The requests could not be loaded. {error}</Notice>}
      {!rows && !error && <Loading>Loading requests</Loading>}
      {rows?.length === 0 && (
        <div class="empty">
          {filtered ? (
            <>
              <p>Nothing matches.</p>
              <Button onClick={() => go("/admin/requests/")}>Clear filters</Button>
            </>
          ) : (
            <p>
              No requests yet. <a href="/">Send one on the chat page</a>.
            </p>
          )}
        </div>
      )}
      {rows && rows.length > 0 && <Table rows={rows} openId={openId} address={address} />}
      {more.error && <Notice>{more.error}</Notice>}
      {next && (
        <div class="actions">
          <Button disabled={more.busy} onClick={loadMore}>
            {more.busy ? "Loading" : "Load more"}
          </Button>
        </div>
      )}
    </>
  );
}

function Table({ rows, openId, address }: { rows: AdminRequest[]; openId: string; address: (changes: { open: string }) => string }) {
  return (
    <table class="rows request-rows">
      <thead>
        <tr>
          <th>Status</th>
          <th>Message</th>
          <th>Account</th>
          <th>Created</th>
          <th class="number">Took</th>
          <th>Error</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.id} class={row.id === openId ? "open" : ""} onClick={(event) => event.target instanceof Element && !event.target.closest("a") && go(address({ open: row.id }))}>
            <td>
              <StatusMark status={row.status} />
            </td>
            <td class="first cut">
              <a id={"row-" + row.id} href={address({ open: row.id })} aria-current={row.id === openId ? "true" : undefined}>
                {start(row.message)}
              </a>
            </td>
            <td class="cut">{row.account.email}</td>
            <td class="meta">
              <time dateTime={row.queued_at} title={exact(row.queued_at)}>
                {clock(row.queued_at)}
              </time>
            </td>
            <td class="number">{duration(row)}</td>
            <td class="error-code">
              {row.error_code && (
                <span class="mark bad">
                  <Icon name="warning" />
                  {row.error_code}
                </span>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Enough of a message for the widest row, in UTF-16 units; a message may be a megabyte. */
const START = 160;

function start(message: string): string {
  return message.slice(0, START).replace(/\s+/g, " ").trim() || "(blank)";
}

function duration(row: AdminRequest): string {
  return row.completed_at ? took(Date.parse(row.completed_at) - Date.parse(row.queued_at)) : "";
}
