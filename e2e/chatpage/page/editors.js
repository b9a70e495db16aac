// The composer's editors, real ones where the site's are. Each is
// {dom, text(), clear(), set(text), focus(), destroy()}.
import { baseKeymap } from "prosemirror-commands";
import { history, undo } from "prosemirror-history";
import { keymap } from "prosemirror-keymap";
import { Schema } from "prosemirror-model";
import { EditorState, TextSelection } from "prosemirror-state";
import { EditorView } from "prosemirror-view";
import { $createLineBreakNode, $createParagraphNode, $createTextNode, $getRoot, COMMAND_PRIORITY_HIGH, createEditor, KEY_ENTER_COMMAND } from "lexical";
import { registerPlainText } from "@lexical/plain-text";
import { createEmptyHistoryState, registerHistory } from "@lexical/history";
import { el } from "./dom.js";

const schema = new Schema({
  nodes: {
    doc: { content: "paragraph+" },
    paragraph: { content: "text*", parseDOM: [{ tag: "p" }], toDOM: () => ["p", 0] },
    text: {},
  },
});
const lines = (text) => text.split("\n").map((line) => schema.node("paragraph", null, line ? [schema.text(line)] : []));

function prosemirror(attributes, { change, enter }) {
  const place = el("div", { class: "prosemirror-parent" });
  const start = () =>
    EditorState.create({
      doc: schema.node("doc", null, [schema.node("paragraph")]),
      plugins: [history(), keymap({ "Mod-z": undo, Enter: () => (enter(), true), "Shift-Enter": baseKeymap.Enter }), keymap(baseKeymap)],
    });
  const text = () => view.state.doc.textBetween(0, view.state.doc.content.size, "\n");
  const view = new EditorView(place, {
    state: start(),
    attributes: { ...attributes, class: "ProseMirror" },
    dispatchTransaction(tr) {
      view.updateState(view.state.apply(tr));
      if (tr.docChanged) change(text());
    },
  });
  const set = (value) => {
    let tr = view.state.tr.replaceWith(0, view.state.doc.content.size, lines(value));
    tr = tr.setSelection(TextSelection.atEnd(tr.doc));
    view.dispatch(tr);
  };
  return { dom: place, text, set, clear: () => set(""), focus: () => view.focus(), destroy: () => view.destroy() };
}

function lexical(attributes, { change, enter }) {
  const dom = el("div", { contenteditable: "true", "data-lexical-editor": "true", ...attributes });
  const editor = createEditor({ namespace: "composer", onError: (e) => { throw e; } });
  editor.setRootElement(dom);
  registerPlainText(editor);
  registerHistory(editor, createEmptyHistoryState(), 300);
  editor.registerCommand(KEY_ENTER_COMMAND, (e) => {
    if (!e || e.shiftKey) return false;
    e.preventDefault();
    enter();
    return true;
  }, COMMAND_PRIORITY_HIGH);
  let now = "";
  editor.registerTextContentListener((value) => change((now = value)));
  const set = (value) =>
    editor.update(() => {
      const p = $createParagraphNode();
      value.split("\n").forEach((line, i) => {
        if (i) p.append($createLineBreakNode());
        if (line) p.append($createTextNode(line));
      });
      $getRoot().clear().append(p);
      p.selectEnd();
    }, { discrete: true });
  set(""); // a paragraph to write into
  return { dom, text: () => editor.getEditorState().read(() => $getRoot().getTextContent()), set, clear: () => set(""), focus: () => editor.focus(), destroy: () => editor.setRootElement(null) };
}

function bare(attributes, { change, enter }) {
  const dom = el("div", { contenteditable: "true", ...attributes });
  // innerText counts an empty line after loose text twice; so: a block begins a line, a break ends one unless it only fills its block.
  const text = () => {
    let out = "";
    const walk = (node, first) => {
      if (node.nodeType === Node.TEXT_NODE) out += node.data;
      else if (node.tagName === "BR") out += node.nextSibling || (node.parentNode === dom && node.previousSibling?.nodeType === Node.TEXT_NODE) ? "\n" : "";
      else {
        if (!first) out += "\n";
        [...node.childNodes].forEach((c, i) => walk(c, i === 0));
      }
    };
    [...dom.childNodes].forEach((c, i) => walk(c, i === 0));
    return out;
  };
  dom.addEventListener("input", () => change(text()));
  dom.addEventListener("keydown", (e) => {
    if (e.key !== "Enter" || e.shiftKey) return;
    e.preventDefault();
    enter();
  });
  const set = (value) => {
    dom.replaceChildren(...value.split("\n").map((line) => el("div", {}, line || el("br"))));
    if (!value) dom.replaceChildren();
    change(value);
  };
  return { dom, text, set, clear: () => set(""), focus: () => dom.focus(), destroy: () => {} };
}

function textarea(attributes, { change, enter }) {
  const dom = el("textarea", { ...attributes, rows: "2" });
  dom.addEventListener("input", () => change(dom.value));
  dom.addEventListener("keydown", (e) => {
    if (e.key !== "Enter" || e.shiftKey) return;
    e.preventDefault();
    enter();
  });
  const set = (value) => {
    dom.value = value;
    change(value);
  };
  return { dom, text: () => dom.value, set, clear: () => set(""), focus: () => dom.focus(), destroy: () => {} };
}

export const editors = { prosemirror, lexical, bare, textarea };
