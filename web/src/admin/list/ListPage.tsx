import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Icon } from "../../shared/icons";
import { exact } from "../../shared/time";
import { Button, Loading, Notice } from "../../shared/ui";
import { usePoll } from "../load";
import { middling, roomy, slim } from "../room";
import { closeRow, go, openRow, withQuery } from "../router";
import { ask, logIns } from "../session";
import { t } from "../texts";
import { Drawer } from "./Drawer";
import { cleared, FilterBar, ZoneSelect } from "./FilterBar";
import { apiQuery, countSet, readValues, type Filter, type Values } from "./filters";
import type { Column } from "./Row";
import { ROWS_A_PAGE, Shelf, type Seen } from "./shelf";
import { Table } from "./Table";

/** How often the newest rows are read again, in milliseconds; a search looks through many rows, so it waits longer. */
const LOOK_EVERY = 2_000;
const SEARCH_EVERY = 15_000;

/** A further page is read when its place comes this near to what is seen, in pixels. */
const NEAR = 800;

interface ListPageProps<R> {
  title: string;
  /** The page's own path, such as "/admin/audit/", and the API's, such as "/api/admin/audit/". */
  base: string;
  api: string;
  /** What the API is asked for beside the filters. */
  always?: Values;
  /** The page's query: filters and `open`. */
  query: URLSearchParams;
  filters: Filter[];
  columns: Column<R>[];
  id: (row: R) => string;
  /** Rows that can still change by themselves are looked at also where they are out of sight. `at`: when a row came, as the API's `to` has it. Left out: none can. */
  live?: { moving: (row: R) => boolean; at: (row: R) => string };
  /** What a row is called where it is selected. */
  name: (row: R) => string;
  /** Sentences: while the first page loads, why it could not be, and what to do where there is nothing at all. */
  loading: string;
  failed: (why: string) => string;
  empty: ComponentChildren;
  /** What an open row shows; without it rows open nothing. `row` is what the list knows of it, if it is loaded. */
  drawer?: { label: string; content: (id: string, row: R | undefined, list: ListHandle<R>) => ComponentChildren };
  /** Beside the title. `values` are the filters in force. */
  head?: ComponentChildren | ((values: Values) => ComponentChildren);
  /** Between the filters and the rows. */
  above?: ComponentChildren;
  /** Rows can be selected: what can be done with those that are. */
  selected?: (rows: R[], list: ListHandle<R>) => ComponentChildren;
}

/** What the parts of a list's page may do with the list. */
export interface ListHandle<R> {
  /** Reads the list anew; what waits is shown. */
  refresh: () => Promise<void>;
  /** Puts a changed row in its place. */
  put: (row: R) => void;
  /** Nothing is selected any more. */
  deselect: () => void;
  /** Closes the open row. */
  close: () => void;
}

/** A whole page that is a list: title, filters, rows, and a drawer for the open one. All of it stands in the URL. */
export function ListPage<R>(props: ListPageProps<R>) {
  const { title, base, api, query, filters, drawer } = props;
  const values = readValues(filters, query);
  const openId = (drawer && query.get("open")) || "";
  const address = (changes: Values) => withQuery(base, { ...values, open: openId, ...changes });
  const key = JSON.stringify(values);
  const path = (more: Values = {}) => withQuery(api, { ...props.always, ...apiQuery(values, Date.now()), ...more, limit: String(ROWS_A_PAGE) });
  const shelf = useMemo(
    () =>
      new Shelf<R>({
        first: path,
        id: props.id,
        read: (path) => ask<R[]>(path),
        live: props.live && {
          moving: props.live.moving,
          from: (row) => path({ to: new Date(Date.parse(props.live!.at(row)) + 1).toISOString() }),
        },
      }),
    [api, key],
  );
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  useEffect(() => setPicked(new Set()), [shelf]);

  const list: ListHandle<R> = {
    refresh: () => shelf.begin(),
    put: (row) => shelf.put(row),
    deselect: () => setPicked(new Set()),
    close: () => closeRow(address({ open: "" })),
  };
  const rows = shelf.rows.value;
  const beside = openId !== "" && roomy.value;
  const keys = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !openId || event.defaultPrevented) return;
    event.preventDefault();
    list.close();
  };
  return (
    <div class={"list-page" + (beside ? " with-drawer" : "")} onKeyDown={keys}>
      <div class="list-side">
        <header class="view-head">
          <h1 tabIndex={-1}>{title}</h1>
          {typeof props.head === "function" ? props.head(values) : props.head}
        </header>
        {filters.length > 0 && <FilterBar filters={filters} values={values} change={(changes) => go(address(changes), { replace: true })} />}
        {props.above}
        <List key={api + key} props={props} shelf={shelf} values={values} openId={openId} address={address} picked={picked} setPicked={setPicked} list={list} />
      </div>
      {drawer && openId && (
        <Drawer key={openId} label={drawer.label} close={list.close}>
          {drawer.content(openId, rows?.find((row) => props.id(row) === openId), list)}
        </Drawer>
      )}
    </div>
  );
}

interface PartProps<R> {
  props: ListPageProps<R>;
  shelf: Shelf<R>;
  values: Values;
  openId: string;
  address: (changes: Values) => string;
  picked: ReadonlySet<string>;
  setPicked: (picked: ReadonlySet<string>) => void;
  list: ListHandle<R>;
}

function List<R>({ props, shelf, values, openId, address, picked, setPicked, list }: PartProps<R>) {
  const { filters, id, columns } = props;
  const rows = shelf.rows.value;
  const error = shelf.error.value;
  const waits = shelf.waits.value;
  const next = shelf.next.value !== null;
  const further = shelf.further.value;
  const inSight = useRef<Seen>({ first: 0, last: 0 });
  const seen = useCallback((rows: Seen) => void (inSight.current = rows), []);

  const entered = logIns.value;
  useEffect(() => void shelf.look(inSight.current), [shelf, entered]);
  usePoll(() => shelf.look(inSight.current), picked.size === 0, values.q ? SEARCH_EVERY : LOOK_EVERY);

  const refresh = async () => {
    scrollTo(0, 0);
    await shelf.begin();
  };
  const pickedRows = () => (rows ?? []).filter((row) => picked.has(id(row)));
  const selection = props.selected
    ? {
        ids: picked,
        toggle: (one: string) => setPicked(new Set(picked.has(one) ? [...picked].filter((other) => other !== one) : [...picked, one])),
        all: (on: boolean) => setPicked(new Set(on ? (rows ?? []).map(id) : [])),
      }
    : null;
  const beside = openId !== "" && roomy.value;
  const drawn = columns.filter((column) => !(column.spare && beside) && !(column.spare === "first" && middling.value));
  const clear = () => go(address(cleared(filters)));

  return (
    <>
      {error && <Notice actions={<Button onClick={() => shelf.look(inSight.current)}>{t.list.tryAgain}</Button>}>{props.failed(error)}</Notice>}
      {!rows && !error && <Loading>{values.q ? t.list.searching : props.loading}</Loading>}
      {rows && (rows.length > 0 || waits.fresh > 0) && (
        <div class="list-bar">
          {picked.size > 0 ? (
            <div class="actions picked" role="group" aria-label={t.list.selected(picked.size)}>
              <strong>{t.list.selected(picked.size)}</strong>
              <button type="button" class="button quiet" aria-label={t.list.clearSelection} onClick={list.deselect}>
                <Icon name="close" />
              </button>
              {slim.value && picked.size < (rows?.length ?? 0) && <Button onClick={() => selection?.all(true)}>{t.list.selectAll}</Button>}
              {props.selected?.(pickedRows(), list)}
              <span class="meta waits">{t.list.waits}</span>
            </div>
          ) : (
            <div class="actions">
              {waits.fresh > 0 || waits.gone.size > 0 ? (
                <Button icon="up" kind={waits.fresh > 0 ? "main" : undefined} onClick={refresh}>
                  {[waits.fresh > 0 && t.list.news(waits.fresh, waits.more), waits.gone.size > 0 && t.list.gone(waits.gone.size)].filter(Boolean).join(" · ")}
                </Button>
              ) : (
                <span class="meta">{t.list.rows(rows.length, next)}</span>
              )}
            </div>
          )}
          <ZoneSelect />
        </div>
      )}
      {rows && rows.length > 0 && (
        <Table
          label={props.title}
          rows={rows}
          more={next}
          id={id}
          name={props.name}
          columns={drawn}
          href={props.drawer ? (row) => address({ open: id(row) }) : null}
          open={(one) => openRow(address({ open: one }))}
          openId={openId}
          gone={waits.gone}
          selection={selection}
          seen={seen}
        />
      )}
      {rows && rows.length === 0 && !next && (
        <div class="empty">
          {countSet(filters, values) > 0 ? (
            <>
              <p>{t.list.noMatch}</p>
              <Button onClick={clear}>{t.list.clearFilters}</Button>
            </>
          ) : (
            props.empty
          )}
        </div>
      )}
      {further.error && <Notice actions={<Button onClick={() => shelf.more()}>{t.list.tryAgain}</Button>}>{props.failed(further.error)}</Notice>}
      {next && !further.error && (
        <div class="list-foot">
          {further.lookedBack && <span>{t.list.lookedBack(exact(further.lookedBack), (rows?.length ?? 0) > 0)}</span>}
          <More auto={!further.lookedBack} busy={further.busy} words={further.lookedBack ? t.list.further : t.list.more} busyWords={further.lookedBack ? t.list.searching : t.list.loadingMore} read={() => shelf.more()} />
        </div>
      )}
    </>
  );
}

/** Reads the next page when its button comes near, or is pressed. */
function More({ auto, busy, words, busyWords, read }: { auto: boolean; busy: boolean; words: string; busyWords: string; read: () => Promise<void> }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!auto || busy || !place.current) return;
    const observer = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && void read(), { rootMargin: `${NEAR}px` });
    observer.observe(place.current);
    return () => observer.disconnect();
  }, [auto, busy]);
  return (
    <div ref={place}>
      <Button disabled={busy} onClick={read}>
        {busy ? busyWords : words}
      </Button>
    </div>
  );
}
