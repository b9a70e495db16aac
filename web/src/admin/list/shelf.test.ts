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
    const before = Number(new URLSearchParams(path.split("?")[1]).get("cursor") ?? Infinity);
    const body = rows.filter((row) => row.id < before).slice(0, ROWS_A_PAGE).map((row) => ({ ...row }));
    const last = body.at(-1);
    return { body, next: last && last.id > 1 ? `/x?cursor=${last.id}` : null };
  };
  const shelf = new Shelf<Row>({ first: () => "/x", id: (row) => String(row.id), read });
  return { rows, asked, shelf, fail: (now: Error | null) => (fails = now), add: () => rows.unshift({ id: rows.length + 1, status: "idle" }) };
}

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
  await shelf.look(0);
  assert.equal(shelf.rows.value?.[0]?.id, 150);
  assert.equal(shelf.waits.value.fresh, 2);
  await shelf.begin();
  assert.equal(shelf.rows.value?.[0]?.id, 152);
  assert.equal(shelf.waits.value.fresh, 0);
});

test("a changed row on the page that is seen changes in place", async () => {
  const { shelf, rows } = server(300);
  await shelf.begin();
  await shelf.more();
  await shelf.more();
  for (const row of rows) row.status = "done";
  await shelf.look(150);
  const at = (index: number) => shelf.rows.value?.[index]?.status;
  assert.deepEqual([at(0), at(150), at(250)], ["done", "done", "idle"], "the page that nobody sees is not read");
});

test("an empty list shows its first row at once", async () => {
  const { shelf, add } = server(0);
  await shelf.begin();
  assert.deepEqual(shelf.rows.value, []);
  add();
  await shelf.look(0);
  assert.equal(shelf.rows.value?.length, 1);
});

test("a failure keeps what is there, and the next success takes its sentence away", async () => {
  const { shelf, fail } = server(250);
  fail(new Error("The server is away."));
  await shelf.begin();
  assert.equal(shelf.rows.value, null);
  assert.equal(shelf.error.value, "The server is away.");
  fail(null);
  await shelf.look(0);
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
  const look = shelf.look(0);
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
  await shelf.look(0);
  assert.equal(shelf.error.value, null, "the rows stay in their places");
  fail(new ApiError(500, "internal", "Something went wrong."));
  await shelf.look(0);
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
