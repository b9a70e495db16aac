import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError, type Reply } from "../../shared/api";
import { ROWS_A_PAGE, Shelf } from "./shelf";

interface Row {
  id: number;
  status: string;
}

/** A server with rows 1 to n, newest first, in pages. */
function server(n: number) {
  const rows: Row[] = Array.from({ length: n }, (_, index) => ({ id: n - index, status: "idle" }));
  const asked: string[] = [];
  let fails: Error | null = null;
  const read = async (path: string): Promise<Reply<Row[]>> => {
    asked.push(path);
    if (fails) throw fails;
    const query = new URLSearchParams(path.split("?")[1]);
    const before = query.has("from") ? Number(query.get("from")) + 1 : Number(query.get("cursor") ?? Infinity);
    const body = rows.filter((row) => row.id < before).slice(0, ROWS_A_PAGE).map((row) => ({ ...row }));
    const last = body.at(-1);
    return { body, next: last && last.id > 1 ? `/x?cursor=${last.id}` : null };
  };
  const shelf = new Shelf<Row>({ first: () => "/x", id: (row) => String(row.id), read, live: { moving: (row) => row.status === "idle", from: (row) => `/x?from=${row.id}` } });
  return { rows, asked, shelf, fail: (now: Error | null) => (fails = now), add: () => rows.unshift({ id: rows.length + 1, status: "idle" }) };
}

/** What is seen at the top of the list. */
const top = { first: 0, last: 20 };

test("pages follow each other to the end", async () => {
  const { shelf } = server(250);
  await shelf.begin();
  assert.equal(shelf.rows.value?.length, 100);
  await shelf.more();
  await shelf.more();
  assert.equal(shelf.rows.value?.length, 250);
  assert.equal(shelf.next.value, null);
  await shelf.more();
  assert.equal(shelf.rows.value?.length, 250);
});

test("two presses read one page", async () => {
  const { shelf, asked } = server(250);
  await shelf.begin();
  await Promise.all([shelf.more(), shelf.more()]);
  assert.equal(shelf.rows.value?.length, 200);
  assert.equal(asked.length, 2);
});

test("new rows wait until they are asked for", async () => {
  const { shelf, add } = server(150);
  await shelf.begin();
  add();
  add();
  await shelf.look(top);
  assert.equal(shelf.rows.value?.[0]?.id, 150);
  assert.equal(shelf.waits.value.fresh, 2);
  await shelf.begin();
  assert.equal(shelf.rows.value?.[0]?.id, 152);
  assert.equal(shelf.waits.value.fresh, 0);
});

test("changed rows on the pages that are seen change in place", async () => {
  const { shelf, rows } = server(500);
  for (const row of rows) row.status = "executing";
  await shelf.begin();
  for (let page = 0; page < 4; page++) await shelf.more();
  for (const row of rows) row.status = "done";
  await shelf.look({ first: 190, last: 210 });
  const at = (index: number) => shelf.rows.value?.[index]?.status;
  assert.deepEqual([at(0), at(199), at(200), at(300), at(499)], ["done", "done", "done", "executing", "executing"], "pages that nobody sees, and where nothing moves, are not read");
});

test("what new rows push out of the first page is looked at where it is", async () => {
  const { shelf, rows, asked, add } = server(150);
  await shelf.begin();
  for (let i = 0; i < 120; i++) add();
  await shelf.look(top);
  assert.deepEqual([shelf.waits.value.fresh, shelf.waits.value.more], [100, true]);
  for (const row of rows) row.status = "done";
  asked.length = 0;
  await shelf.look(top);
  assert.deepEqual(asked, ["/x", "/x?from=150"]);
  assert.ok(shelf.rows.value?.every(({ status }) => status === "done"));
  assert.equal(shelf.rows.value?.[0]?.id, 150, "nothing jumps");
  assert.equal(shelf.waits.value.gone.size, 0);
});

test("what moves is looked at out of sight too, one page at a time", async () => {
  const { shelf, rows, asked } = server(500);
  for (const row of rows) if (row.id > 350 || row.id <= 100) row.status = "done";
  await shelf.begin();
  for (let page = 0; page < 4; page++) await shelf.more();
  const path = (before: number) => `/x?cursor=${before}`;
  const looks = async () => {
    asked.length = 0;
    await shelf.look(top);
    return [...asked];
  };
  assert.deepEqual(await looks(), ["/x", path(401)], "350 to 301");
  assert.deepEqual(await looks(), ["/x", path(301)]);
  assert.deepEqual(await looks(), ["/x", path(201)]);
  assert.deepEqual(await looks(), ["/x", path(401)], "round again");
  for (const row of rows) row.status = "done";
  await looks();
  await looks();
  await looks();
  assert.ok(shelf.rows.value?.every(({ status }) => status === "done"));
  assert.deepEqual(await looks(), ["/x"], "nothing moves any more");
});

test("a row that no longer matches is marked also beyond the first page, and stays so", async () => {
  const { shelf, rows, asked } = server(300);
  await shelf.begin();
  await shelf.more();
  await shelf.more();
  rows.splice(rows.findIndex(({ id }) => id === 150), 1);
  await shelf.look({ first: 140, last: 160 });
  assert.deepEqual([...shelf.waits.value.gone], ["150"]);
  await shelf.look(top);
  await shelf.look(top);
  assert.deepEqual([...shelf.waits.value.gone], ["150"]);
  assert.equal(shelf.rows.value?.length, 300, "nothing jumps");
  for (const row of rows) row.status = "done";
  for (let i = 0; i < 3; i++) await shelf.look(top);
  asked.length = 0;
  await shelf.look(top);
  assert.deepEqual(asked, ["/x"], "one that is gone is not looked for");
});

test("an empty list shows its first row at once", async () => {
  const { shelf, add } = server(0);
  await shelf.begin();
  assert.deepEqual(shelf.rows.value, []);
  add();
  await shelf.look(top);
  assert.equal(shelf.rows.value?.length, 1);
});

test("a failure keeps what is there, and the next success takes its sentence away", async () => {
  const { shelf, fail } = server(250);
  fail(new Error("The server is away."));
  await shelf.begin();
  assert.equal(shelf.rows.value, null);
  assert.equal(shelf.error.value, "The server is away.");
  fail(null);
  await shelf.look(top);
  assert.equal(shelf.rows.value?.length, 100);
  assert.equal(shelf.error.value, null);
  fail(new Error("The server is away."));
  await shelf.more();
  assert.equal(shelf.further.value.error, "The server is away.");
  assert.equal(shelf.rows.value?.length, 100);
});

test("what was asked before a new beginning is dropped, however late it comes", async () => {
  const pending: ((reply: Reply<Row[]>) => void)[] = [];
  const shelf = new Shelf<Row>({ first: () => "/x", id: (row) => String(row.id), read: () => new Promise((resolve) => pending.push(resolve)) });
  const page = (...ids: number[]): Reply<Row[]> => ({ body: ids.map((id) => ({ id, status: "idle" })), next: "/x?cursor=1" });
  const ids = () => shelf.rows.value?.map(({ id }) => id).join();
  const begun = shelf.begin();
  pending.shift()?.(page(9, 8));
  await begun;
  const further = shelf.more();
  const look = shelf.look(top);
  const again = shelf.begin();
  const [forFurther, forLook, forAgain] = pending;
  forAgain?.(page(12, 11));
  await again;
  forFurther?.(page(7, 6));
  forLook?.(page(10, 9));
  await Promise.all([further, look]);
  assert.equal(ids(), "12,11");
  assert.equal(shelf.waits.value.fresh, 0);
  assert.equal(shelf.further.value.busy, false);
});

test("what the frame says is not said again", async () => {
  const { shelf, fail } = server(250);
  fail(new ApiError(401, "unauthorized", "Log in."));
  await shelf.begin();
  assert.equal(shelf.error.value, null, "the form to log in lies over the page");
  fail(new ApiError(0, "unreachable", "No reply."));
  await shelf.begin();
  assert.equal(shelf.error.value, "No reply.", "there is nothing else to see");
  fail(null);
  await shelf.begin();
  fail(new ApiError(0, "unreachable", "No reply."));
  await shelf.look(top);
  assert.equal(shelf.error.value, null, "the rows stay in their places");
  fail(new ApiError(500, "internal", "Something went wrong."));
  await shelf.look(top);
  assert.equal(shelf.error.value, "Something went wrong.");
});

test("how far back a search has looked", async () => {
  const replies: Reply<Row[]>[] = [
    { body: [{ id: 9, status: "done" }], next: "/x?cursor=5", lookedBack: "2026-01-02T00:00:00Z" },
    { body: [{ id: 3, status: "done" }], next: null, lookedBack: null },
  ];
  const shelf = new Shelf<Row>({ first: () => "/x", id: (row) => String(row.id), read: async () => replies.shift()! });
  await shelf.begin();
  assert.equal(shelf.further.value.lookedBack, "2026-01-02T00:00:00Z");
  await shelf.more();
  assert.equal(shelf.further.value.lookedBack, null);
  assert.deepEqual(shelf.rows.value?.map(({ id }) => id), [9, 3]);
});
