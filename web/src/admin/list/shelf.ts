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
  live?: Live<Row> | undefined;
}

/** How rows that can still change by themselves are looked at; without it none can. */
interface Live<Row> {
  moving: (row: Row) => boolean;
  /** The path of a page that begins with a row. */
  from: (row: Row) => string;
}

/** The rows that are seen, by their numbers. */
export interface Seen {
  first: number;
  last: number;
}

interface Page {
  path: string;
  /** How many rows are shown before it. */
  at: number;
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

  /** Each page that was read. */
  private pages: Page[] = [];
  /** Of so many rows, from the first on, the first page told when it was read last: what is new pushes the others out of it. */
  private reach = 0;
  /** Where the page out of sight begins that was looked at last. */
  private looked = 0;
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
      this.reach = page.body.length;
      this.rows.value = page.body;
      this.next.value = page.next;
      this.waits.value = NOTHING;
      this.error.value = null;
      this.further.value = { busy: false, error: null, lookedBack: page.lookedBack ?? null };
    } catch (error) {
      if (turn === this.turn) this.error.value = this.trouble(error);
    }
  }

  /** Looks what has changed: in the first page, in those that are seen, and in one that has rows which move. Changed rows change in place, nothing else moves. */
  async look(seen: Seen): Promise<void> {
    const [first] = this.pages;
    if (!first || this.rows.peek() === null) return this.begin();
    const turn = this.turn;
    const { id, read } = this.options;
    const looked = [first, ...this.worthALook(seen)];
    try {
      const pages = await Promise.all(looked.map(({ path }) => read(path)));
      if (turn !== this.turn) return;
      let rows = this.rows.peek() ?? [];
      let { fresh, more } = NOTHING;
      const gone = new Set(this.waits.peek().gone);
      pages.forEach(({ body, next }, index) => {
        const { at } = looked[index]!;
        const news = compare(rows.slice(at), body, next === null, id);
        // What was gone of another page stays so until that is looked at again.
        for (const row of rows.slice(at, at + news.reach)) gone.delete(id(row));
        for (const one of news.gone) gone.add(one);
        if (index === 0) ({ fresh, more, reach: this.reach } = news);
        rows = inPlace(rows, body, id);
      });
      this.rows.value = rows;
      this.waits.value = { fresh, more, gone };
      this.error.value = null;
      // An empty list has nothing that could jump.
      if (rows.length === 0 && fresh > 0) await this.begin();
    } catch (error) {
      if (turn === this.turn) this.error.value = this.trouble(error);
    }
  }

  /** The pages beyond the reach of the first that are worth a look: what is seen, and, each in its turn, one out of sight where something still moves. */
  private worthALook({ first, last }: Seen): Page[] {
    const rows = this.rows.peek() ?? [];
    const { gone } = this.waits.peek();
    const { id, live } = this.options;
    const pushed = rows[this.reach];
    const further = this.pages.slice(1);
    if (live && pushed && this.reach < (further[0]?.at ?? rows.length)) further.unshift({ path: live.from(pushed), at: this.reach });
    const pages = further.map((page, index) => ({ page, end: further[index + 1]?.at ?? rows.length }));
    const seen = pages.filter(({ page, end }) => page.at <= last && end > first);
    const inMotion = pages.filter((one) => !seen.includes(one) && rows.slice(one.page.at, one.end).some((row) => live?.moving(row) && !gone.has(id(row))));
    const next = inMotion.find(({ page }) => page.at > this.looked) ?? inMotion[0];
    this.looked = next?.page.at ?? 0;
    return [...seen, ...(next ? [next] : [])].map(({ page }) => page);
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
