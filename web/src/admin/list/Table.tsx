import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { slim } from "../room";
import { t } from "../texts";
import { linkId, Row, type Column } from "./Row";
import type { Seen } from "./shelf";
import { ALL_DRAWN, windowOf, type Window } from "./window";

/** How high a row is until one was drawn, in pixels. */
const ROW_HEIGHT = 36;

export interface Selection {
  ids: ReadonlySet<string>;
  toggle: (id: string) => void;
  all: (on: boolean) => void;
}

interface TableProps<R> {
  label: string;
  rows: R[];
  /** There are further ones than `rows`. */
  more: boolean;
  id: (row: R) => string;
  name: (row: R) => string;
  columns: Column<R>[];
  href: ((row: R) => string) | null;
  open: (id: string) => void;
  openId: string;
  gone: ReadonlySet<string>;
  selection: Selection | null;
  /** Told which rows stand at the top and at the end of what is seen. */
  seen: (rows: Seen) => void;
}

/** The rows as a table: past 200 only those near what is seen are in the page. ↑ and ↓ go from row to row, Enter opens, Space selects. */
export function Table<R>({ label, rows, more, id, name, columns, href, open, openId, gone, selection, seen }: TableProps<R>) {
  const place = useRef<HTMLDivElement>(null);
  const height = useRef(ROW_HEIGHT);
  const [shown, setShown] = useState<Window>(() => windowOf(rows.length, ROW_HEIGHT, 0, innerHeight));
  const [current, setCurrent] = useState(0);
  const focusOn = useRef<string | null>(null);
  const count = rows.length;

  const head = () => place.current?.querySelector("thead")?.getBoundingClientRect().height ?? 0;
  const measure = useCallback(() => {
    const box = place.current?.getBoundingClientRect();
    if (!box) return;
    const row = place.current?.querySelector("tbody tr")?.getBoundingClientRect().height;
    if (row) height.current = row;
    const above = -box.top - head();
    seen({ first: Math.max(0, Math.floor(above / height.current)), last: Math.max(0, Math.floor((above + innerHeight) / height.current)) });
    const next = windowOf(count, height.current, above, innerHeight);
    setShown((now) => {
      if (now.first === next.first && now.end === next.end) return now;
      // The focus does not fall out of the page with a row that is scrolled away: it waits at the list.
      const focused = document.activeElement;
      if (focused instanceof HTMLElement && focused.closest("tr") && place.current?.contains(focused)) {
        const index = Number(focused.closest("tr")?.getAttribute("aria-rowindex")) - 2;
        if (index < next.first || index >= next.end) place.current.focus({ preventScroll: true });
      }
      return next;
    });
  }, [count, seen]);

  useLayoutEffect(measure, [measure, slim.value, rows]);
  useEffect(() => {
    let frame = 0;
    const soon = () => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(measure);
    };
    addEventListener("scroll", soon, { passive: true });
    addEventListener("resize", soon);
    return () => {
      cancelAnimationFrame(frame);
      removeEventListener("scroll", soon);
      removeEventListener("resize", soon);
    };
  }, [measure]);

  useLayoutEffect(() => {
    const wanted = focusOn.current;
    const link = wanted === null ? null : document.getElementById(linkId(wanted));
    if (!link) return;
    focusOn.current = null;
    link.focus({ preventScroll: true });
  });

  /** Brings a row into view and puts the focus on it. */
  const goTo = (index: number) => {
    const row = rows[index];
    const box = place.current?.getBoundingClientRect();
    if (row === undefined || !box) return;
    const covered = head() + (place.current?.previousElementSibling?.getBoundingClientRect().height ?? 0);
    const top = box.top + head() + index * height.current;
    if (top < covered) scrollBy(0, top - covered);
    else if (top + height.current > innerHeight) scrollBy(0, top + height.current - innerHeight + 8);
    focusOn.current = id(row);
    setCurrent(index);
    measure();
    // The row may be there already, and nothing be drawn.
    document.getElementById(linkId(id(row)))?.focus({ preventScroll: true });
  };

  const openIndex = useRef(-1);
  openIndex.current = openId ? rows.findIndex((row) => id(row) === openId) : openIndex.current;
  const wasOpen = useRef(openId);
  useEffect(() => {
    const closed = wasOpen.current !== "" && openId === "";
    wasOpen.current = openId;
    if (closed && openIndex.current >= 0) goTo(openIndex.current);
    else if (closed) document.querySelector<HTMLElement>("main h1")?.focus({ preventScroll: true });
  }, [openId]);

  const keys = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target instanceof Element ? event.target : null;
    const inRow = target?.closest("tbody tr");
    if (target !== place.current && !inRow) return;
    const index = inRow ? Number(inRow.getAttribute("aria-rowindex")) - 2 : Math.min(current, count - 1);
    const to: Partial<Record<string, number>> = { ArrowDown: Math.min(count - 1, index + 1), ArrowUp: Math.max(0, index - 1), Home: 0, End: count - 1 };
    const next = to[event.key];
    const row = rows[index];
    if (next !== undefined) {
      event.preventDefault();
      goTo(target === place.current && event.key.startsWith("Arrow") ? index : next);
    } else if (event.key === " " && selection && row !== undefined && target instanceof HTMLAnchorElement) {
      event.preventDefault();
      selection.toggle(id(row));
    } else if (event.key === "Enter" && target === place.current && row !== undefined) {
      event.preventDefault();
      open(id(row));
    }
  };

  const press = useRef((_: string, __: MouseEvent) => {});
  press.current = (pressed, event) => {
    const target = event.target instanceof Element ? event.target : null;
    const link = target?.closest("a");
    if (target?.closest("label, input, button, select") || (link && link.id !== linkId(pressed))) return;
    // With a modifier, or another button, a link is a link.
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button !== 0) return;
    if (!href || (!link && getSelection()?.type === "Range")) return;
    event.preventDefault();
    setCurrent(rows.findIndex((row) => id(row) === pressed));
    open(pressed);
  };
  const select = useRef((_: string) => {});
  select.current = (picked) => selection?.toggle(picked);

  const drawn = columns.filter((column) => !slim.value || column.narrow);
  const shares = drawn.reduce((sum, column) => sum + (column.width ? 0 : (column.share ?? 1)), 0);
  const version = drawn.map((column) => column.head).join("|") + slim.value;
  const { first, end } = count <= ALL_DRAWN ? { first: 0, end: count } : { first: Math.min(shown.first, Math.max(0, count - 1)), end: Math.min(shown.end, count) };
  const stop = current >= first && current < end ? current : first;
  const allPicked = selection !== null && selection.ids.size > 0 && rows.every((row) => selection.ids.has(id(row)));
  return (
    <div ref={place} class={"list-rows" + (slim.value ? " slim" : "")} tabIndex={-1} onKeyDown={keys} onFocusIn={(event) => {
      const row = event.target instanceof Element ? event.target.closest("tbody tr") : null;
      if (row) setCurrent(Number(row.getAttribute("aria-rowindex")) - 2);
    }}>
      <div style={{ height: `${first * height.current}px` }} />
      <table role="table" aria-label={label} aria-rowcount={more ? -1 : count + 1}>
        {!slim.value && (
          <colgroup>
            {selection && <col style={{ width: "40px" }} />}
            {drawn.map((column) => (
              <col key={column.head} style={{ width: column.width ? `${column.width}px` : `${(100 * (column.share ?? 1)) / shares}%` }} />
            ))}
          </colgroup>
        )}
        <thead role="rowgroup">
          <tr role="row" aria-rowindex={1}>
            {selection && (
              <th role="columnheader" class="pick">
                {slim.value ? (
                  t.list.selection
                ) : (
                  <label>
                    <input type="checkbox" aria-label={t.list.selectAll} checked={allPicked} onChange={() => selection.all(!allPicked)} />
                  </label>
                )}
              </th>
            )}
            {drawn.map((column) => (
              <th key={column.head} role="columnheader" scope="col" title={column.head} class={column.number ? "number" : ""}>
                {column.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.slice(first, end).map((row, offset) => {
            const key = id(row);
            return (
              <Row
                key={key}
                row={row}
                id={key}
                index={first + offset}
                columns={drawn as Column<unknown>[]}
                href={href ? href(row) : null}
                open={key === openId}
                current={first + offset === stop}
                selected={selection ? selection.ids.has(key) : null}
                gone={gone.has(key)}
                name={name(row)}
                version={version}
                press={(pressed, event) => press.current(pressed, event)}
                select={(picked) => select.current(picked)}
              />
            );
          })}
        </tbody>
      </table>
      <div style={{ height: `${(count - end) * height.current}px` }} />
    </div>
  );
}
