import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { media } from "../shared/media";
import { range, shift } from "./range";

/** As high as the style sheet makes a row; on touch screens a finger must fit. Pixels. */
const HEIGHT = 48;
const HEIGHT_COARSE = 52;
const coarse = media("(pointer: coarse)");

/** So many rows before the end of those that are here, more are asked for. */
const NEAR_END = 30;

export interface Row {
  key: string;
}

interface Props<T extends Row> {
  rows: T[];
  label: string;
  /** The row that Tab comes to at first. */
  current: string | null;
  /** All rows are here: their number can be told. */
  whole: boolean;
  /** Asks for more rows. */
  onNearEnd: () => void;
  /** Draws a row's link. It must take the attributes. */
  draw: (row: T, attributes: { tabIndex: number }) => ComponentChildren;
  /** What stands under the last row. */
  children?: ComponentChildren;
}

/** A list of links of which only those near what is seen are drawn. Arrows, Home and End move in it. */
export function RowWindow<T extends Row>({ rows, label, current, whole, onNearEnd, draw, children }: Props<T>) {
  const height = coarse.value ? HEIGHT_COARSE : HEIGHT;
  const box = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLUListElement>(null);
  const [view, setView] = useState({ top: 0, seen: 0 });
  const [active, setActive] = useState<string | null>(null);
  const focusNext = useRef(false);
  const look = () => setView((now) => (now.top === box.current!.scrollTop && now.seen === box.current!.clientHeight ? now : { top: box.current!.scrollTop, seen: box.current!.clientHeight }));

  useLayoutEffect(() => {
    const sized = new ResizeObserver(look);
    sized.observe(box.current!);
    look();
    return () => sized.disconnect();
  }, []);

  const { first, end } = range(view.top, view.seen, height, rows.length);
  useEffect(() => {
    if (view.seen > 0 && end > rows.length - NEAR_END) onNearEnd();
  });
  const indices = Array.from({ length: end - first }, (_, index) => first + index);

  // What comes in above the reader does not move what they read.
  const drawn = useRef<{ rows: T[]; keys: [string, number][] }>({ rows, keys: [] });
  useLayoutEffect(() => {
    const { rows: before, keys } = drawn.current;
    drawn.current = { rows, keys: Array.from({ length: end - first }, (_, index) => [rows[first + index]!.key, first + index]) };
    if (before === rows || box.current!.scrollTop === 0) return;
    const places = new Map(rows.map((row, index) => [row.key, index]));
    box.current!.scrollTop += shift(keys, (key) => places.get(key) ?? -1) * height;
    look();
  });

  // The one row that Tab comes to is always drawn, so that the focus is not lost by scrolling.
  const find = (key: string | null) => (key === null ? -1 : rows.findIndex((row) => row.key === key));
  let stop = find(active);
  if (stop < 0) stop = find(current);
  if (stop < 0) stop = 0;
  if (rows.length > 0 && stop < first) indices.unshift(stop);
  if (stop >= end && stop < rows.length) indices.push(stop);

  const go = (index: number) => {
    const to = Math.max(0, Math.min(rows.length - 1, index));
    const element = box.current!;
    const top = to * height;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + height > element.scrollTop + element.clientHeight) element.scrollTop = top + height - element.clientHeight;
    focusNext.current = true;
    setActive(rows[to]!.key);
    look();
  };
  useLayoutEffect(() => {
    if (!focusNext.current) return;
    focusNext.current = false;
    list.current?.querySelector<HTMLElement>('[tabindex="0"]')?.focus({ preventScroll: true });
  });

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || rows.length === 0) return;
    const to = { ArrowDown: stop + 1, ArrowUp: stop - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    go(to);
  };

  return (
    <div class="side-list" ref={box} onScroll={look}>
      <ul ref={list} class="rows" aria-label={label} style={{ height: `${rows.length * height}px` }} onKeyDown={onKeyDown}>
        {indices.map((index) => {
          const row = rows[index]!;
          return (
            <li key={row.key} style={{ top: `${index * height}px`, height: `${height}px` }} aria-posinset={index + 1} aria-setsize={whole ? rows.length : -1} onFocusIn={() => setActive(row.key)}>
              {draw(row, { tabIndex: index === stop ? 0 : -1 })}
            </li>
          );
        })}
      </ul>
      {children}
    </div>
  );
}
