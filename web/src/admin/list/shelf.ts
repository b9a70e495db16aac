import { signal } from "@preact/signals";
import { ApiError, needsLogIn, sentence, type Reply } from "../../shared/api";
import { append, compare, inPlace } from "./merge";

/** Rows to a page, as the list asks for them. */
export const ROWS_A_PAGE = 100;

/** What waits behind the button above the list. */
export interface Waits {
  fresh: number;
  /** There may be more of them than were counted. */
  more: boolean;
  /** Ids of rows that are shown and no longer in the list. */
  gone: ReadonlySet<string>;
}

const NOTHING: Waits = { fresh: 0, more: false, gone: new Set() };

interface ShelfOptions<Row> {
  /** The first page's path at this moment: a "last hour" moves on with each new beginning. */
  first: () => string;
  id: (row: Row) => string;
  read: (path: string) => Promise<Reply<Row[]>>;
}

/** The rows of one list with its filters: the pages that were read, and what is known to wait. */
export class Shelf<Row> {
  /** Null until the first page has come. */
  readonly rows = signal<Row[] | null>(null);
  /** Why the last reading failed; what was read before stays. */
  readonly error = signal<string | null>(null);
  readonly waits = signal<Waits>(NOTHING);
  /** Whether there is a further page. */
  readonly next = signal<string | null>(null);
  /** Reading a further page. `lookedBack`: how far back a search has looked that goes on by steps; null for any other list. */
  readonly further = signal<{ busy: boolean; error: string | null; lookedBack: string | null }>({ busy: false, error: null, lookedBack: null });

  /** Each page that was read, and how many rows were shown before it. */
  private pages: { path: string; at: number }[] = [];
  /** Raised with each new beginning: what was asked before it is no longer wanted. */
  private turn = 0;

  constructor(private readonly options: ShelfOptions<Row>) {}

  /** Begins anew with the first page: what waited is shown. */
  async begin(): Promise<void> {
    const turn = ++this.turn;
    const path = this.options.first();
    try {
      const page = await this.options.read(path);
      if (turn !== this.turn) return;
      this.pages = [{ path, at: 0 }];
      this.rows.value = page.body;
      this.next.value = page.next;
      this.waits.value = NOTHING;
      this.error.value = null;
      this.further.value = { busy: false, error: null, lookedBack: page.lookedBack ?? null };
    } catch (error) {
      if (turn === this.turn) this.error.value = this.trouble(error);
    }
  }

  /** Looks what has changed: in the first page, and in the one in which the row number `seen` is. Changed rows change in place, nothing else moves. */
  async look(seen: number): Promise<void> {
    const [first] = this.pages;
    if (!first || this.rows.peek() === null) return this.begin();
    const turn = this.turn;
    const { id, read } = this.options;
    const other = this.pages.findLast(({ at }) => at <= seen);
    try {
      const [page, seenPage] = await Promise.all([read(first.path), other && other !== first ? read(other.path) : null]);
      if (turn !== this.turn) return;
      const news = compare(this.rows.peek() ?? [], page.body, page.next === null, id);
      this.rows.value = seenPage ? inPlace(news.rows, seenPage.body, id) : news.rows;
      this.waits.value = { fresh: news.fresh, more: news.more, gone: news.gone };
      this.error.value = null;
      // An empty list has nothing that could jump.
      if (this.rows.peek()?.length === 0 && news.fresh > 0) await this.begin();
    } catch (error) {
      if (turn === this.turn) this.error.value = this.trouble(error);
    }
  }

  /** Reads the next page, if there is one and it is not being read. */
  async more(): Promise<void> {
    const path = this.next.peek();
    if (path === null || this.further.peek().busy) return;
    const turn = this.turn;
    this.further.value = { ...this.further.peek(), busy: true, error: null };
    try {
      const page = await this.options.read(path);
      if (turn !== this.turn) return;
      const shown = this.rows.peek() ?? [];
      this.pages.push({ path, at: shown.length });
      this.rows.value = append(shown, page.body, this.options.id);
      this.next.value = page.next;
      this.further.value = { busy: false, error: null, lookedBack: page.lookedBack ?? null };
    } catch (error) {
      if (turn === this.turn) this.further.value = { ...this.further.peek(), busy: false, error: needsLogIn(error) ? null : sentence(error) };
    }
  }

  /** Why reading failed. While rows are shown, the frame alone says that the server is away: the rows stay where they are. */
  private trouble(error: unknown): string | null {
    const away = error instanceof ApiError && error.status === 0;
    return needsLogIn(error) || (away && this.rows.peek() !== null) ? null : sentence(error);
  }

  /** Puts a changed row in its place, after something was done to it. */
  put(row: Row): void {
    this.rows.value = inPlace(this.rows.peek() ?? [], [row], this.options.id);
  }
}
