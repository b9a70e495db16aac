import { Component, type ComponentChildren } from "preact";
import { t } from "../texts";

/** One column of a list. */
export interface Column<Row> {
  /** The words in the head. */
  head: string;
  cell: (row: Row) => ComponentChildren;
  /** This cell's words are the link that opens the row; one column of a list has it. */
  opens?: boolean;
  /** Its width in pixels. Those without share what is left by their `share` (1). */
  width?: number;
  share?: number;
  /** Where it stands in a narrow row of two lines; left out: it does not. */
  narrow?: "first" | "firstEnd" | "second" | "secondEnd";
  /** Left out while the drawer is beside the list; "first": wherever there is little room. */
  spare?: boolean | "first";
  number?: boolean;
}

interface RowProps<Row> {
  row: Row;
  id: string;
  /** Its place in the list, from 0. */
  index: number;
  columns: Column<Row>[];
  /** Where the row leads; null for one that opens nothing. */
  href: string | null;
  open: boolean;
  /** It is the one that Tab comes to. */
  current: boolean;
  /** Null where rows can't be selected. */
  selected: boolean | null;
  /** It no longer matches what is listed. */
  gone: boolean;
  /** What the row is called, for its box to select it. */
  name: string;
  /** Raised when the columns are others. */
  version: string;
  press: (id: string, event: MouseEvent) => void;
  select: (id: string) => void;
}

/** The id of a row's link in the page. */
export const linkId = (id: string) => "row-" + id;

/** What a cell shows. It is a component of its own, so that it hears of signals that the row does not listen to: clocks, the zone, names. */
function Cell<R>({ draw, row }: { draw: (row: R) => ComponentChildren; row: R }) {
  return <>{draw(row)}</>;
}

/** One row. It is drawn again only when something of it has changed. */
export class Row<R> extends Component<RowProps<R>> {
  override shouldComponentUpdate(next: RowProps<R>): boolean {
    const now = this.props;
    return (
      now.row !== next.row ||
      now.index !== next.index ||
      now.href !== next.href ||
      now.open !== next.open ||
      now.current !== next.current ||
      now.selected !== next.selected ||
      now.gone !== next.gone ||
      now.version !== next.version
    );
  }

  override render() {
    const { row, id, index, columns, href, open, current, selected, gone, name, press, select } = this.props;
    return (
      <tr role="row" aria-rowindex={index + 2} class={[open && "open", selected && "selected", gone && "gone"].filter(Boolean).join(" ")} onClick={(event) => press(id, event)}>
        {selected !== null && (
          <td role="cell" class="pick">
            <label>
              <input type="checkbox" tabIndex={-1} checked={selected} aria-label={t.list.select(name)} onChange={() => select(id)} />
            </label>
          </td>
        )}
        {columns.map((column) => {
          const content = <Cell draw={column.cell} row={row} />;
          return (
            <td key={column.head} role="cell" class={["in-" + (column.narrow ?? "none"), column.number && "number"].filter(Boolean).join(" ")}>
              {column.opens && href !== null ? (
                <a id={linkId(id)} href={href} tabIndex={current ? 0 : -1} aria-current={open ? "true" : undefined}>
                  {content}
                  {gone && <span class="offscreen"> ({t.list.noLonger})</span>}
                </a>
              ) : (
                content
              )}
            </td>
          );
        })}
      </tr>
    );
  }
}
