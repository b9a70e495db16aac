import assert from "node:assert/strict";
import { test } from "node:test";
import type { Memory } from "../shared/storage";
import { Drafts } from "./drafts";

/** One browser's storage and the tabs that hear of each other's changes. */
function browser() {
  const kept = new Map<string, string>();
  const tabs: Drafts[] = [];
  let clock = 0;
  let names = 0;
  const open = (name = `t${++names}`): Drafts => {
    const tell = (key: string, value: string | null) => {
      for (const other of tabs) if (other !== tab) other.changed(key, value);
    };
    const memory: Memory = {
      get: (key) => kept.get(key) ?? null,
      set(key, value) {
        if (kept.get(key) === value) return;
        kept.set(key, value);
        tell(key, value);
      },
      remove(key) {
        if (kept.delete(key)) tell(key, null);
      },
      names: () => [...kept.keys()],
    };
    const tab: Drafts = new Drafts(memory, name, () => `t${++names}`, () => ++clock);
    tabs.push(tab);
    return tab;
  };
  const close = (tab: Drafts) => tabs.splice(tabs.indexOf(tab), 1);
  return { kept, open, close };
}

test("a draft outlives its tab and is another's when that opens the chat", () => {
  const { kept, open, close } = browser();
  const first = open();
  first.open("7");
  first.write("half a thought");
  close(first);
  const second = open();
  second.open(null);
  assert.equal(second.text.peek(), "", "a draft is its chat's");
  second.open("7");
  assert.equal(second.text.peek(), "half a thought");
  second.sent("7", "half a thought");
  assert.equal(second.text.peek(), "");
  assert.equal(kept.size, 0);
});

test("two tabs of one chat keep a draft each, over reload", () => {
  const { open, close } = browser();
  const [one, two] = [open("one"), open("two")];
  one.open("7");
  two.open("7");
  one.write("of one");
  assert.equal(two.text.peek(), "");
  two.write("of two");
  assert.equal(one.text.peek(), "of one");
  close(one);
  const again = open("one");
  again.open("7");
  assert.equal(again.text.peek(), "of one", "its own, though the other is newer");
});

test("what another tab shows can be written on in both", () => {
  const { open, close } = browser();
  const one = open("one");
  one.open("7");
  one.write("of one");
  const two = open("two");
  two.open("7");
  one.write("of one, more");
  assert.equal(two.text.peek(), "of one, more", "not written on yet: it follows");
  two.write("of two");
  one.open("8");
  one.open("7");
  assert.equal(one.text.peek(), "of one, more", "the other took it for closed; it was not");
  two.write("");
  close(two);
  assert.equal(one.text.peek(), "of one, more");
});

test("a draft that is thrown away in another tab does not come back, where its own tab is closed", () => {
  const { kept, open, close } = browser();
  const one = open();
  one.open(null);
  one.write("old");
  close(one);
  const two = open();
  two.open(null);
  assert.equal(two.text.peek(), "old");
  two.write("");
  assert.equal(kept.size, 0);
});

test("sent elsewhere, a draft that was only shown goes", () => {
  const { open } = browser();
  const one = open();
  one.open("7");
  one.write("hello");
  const two = open();
  two.open("7");
  one.sent("7", "hello");
  assert.equal(two.text.peek(), "");
});

test("a copy of a tab goes by the same name at first", () => {
  const { open } = browser();
  const one = open("same");
  one.open("7");
  one.write("first");
  const two = open("same");
  two.open("7");
  assert.equal(two.text.peek(), "first");
  two.write("second");
  one.open("8");
  one.open("7");
  assert.equal(one.text.peek(), "first");
  two.open("8");
  two.open("7");
  assert.equal(two.text.peek(), "second");
});

test("what is written while a new chat is made goes on in it", () => {
  const { kept, open } = browser();
  const tab = open();
  tab.open(null);
  tab.write("first message");
  tab.sent(null, "first message");
  tab.write("and more");
  tab.named("12");
  assert.equal(tab.text.peek(), "and more");
  assert.deepEqual([...kept.keys()].map((name) => name.split(":")[0]), ["chatbridge.draft.12"]);
});

test("sent from a chat that is no longer open", () => {
  const { kept, open } = browser();
  const tab = open();
  tab.open("7");
  tab.write("hello");
  tab.open("8");
  tab.write("other");
  tab.sent("7", "hello");
  assert.equal(tab.text.peek(), "other");
  assert.equal(kept.size, 1);
});
