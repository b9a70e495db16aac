// The composer: the editor, the send and stop buttons, the draft.
import { el } from "./dom.js";
import { editors } from "./editors.js";

// composer makes the form. app: {settings, hooks, words, send(text), stop(), running()}.
export function composer(app) {
  const { settings, hooks, words } = app;
  let editor, shown;
  let full = false;
  let remounts = settings.remounts;
  let promised = settings.modalOnTyping;
  const place = el("div", { class: "grow" });
  const buttons = el("div", { class: "flex" });
  const extra = el("div", { class: "flex" }); // pickers
  const form = el("form", { ...hooks.form, onsubmit: (e) => (e.preventDefault(), send()) }, place, hooks.fallback && el("textarea", { ...hooks.fallback, style: "display:none", placeholder: words.ask }),
    el("button", { ...hooks.plus, type: "button", "aria-label": words.plus }, "+"), extra, buttons);

  const send = () => {
    const text = editor.text();
    if (!text.trim() || app.running() || settings.swallow) return;
    app.send(text);
    editor.clear();
  };

  const named = (hook) => (settings.send === "id" ? { ...hook, "data-testid": undefined } : hook);
  // refresh puts up the button that the moment asks for: stop, send, or speech where there is no text.
  const refresh = () => {
    const want = app.running() ? "stop" : editor?.text().trim() ? "send" : "speech";
    if (want === shown) return;
    shown = want;
    buttons.replaceChildren(
      want === "stop" ? el("button", { ...named(hooks.stop), "aria-label": words.stop, onclick: () => app.stop() }, "■")
      : want === "send" ? el("button", { ...named(hooks.send), "aria-label": words.send, onclick: hooks.send.type === "submit" ? undefined : send }, "↑")
      : el("button", { ...hooks.speech, type: "button", "aria-label": words.voice }, "≈"),
    );
  };

  const changed = (text) => {
    if (text && remounts > 0) {
      remounts--;
      setTimeout(() => (put(), refresh()), 0);
    }
    if (text && promised) {
      promised = false;
      app.promo();
    }
    if (settings.composerLimit && text.length > settings.composerLimit) {
      setTimeout(() => editor.text().length > settings.composerLimit && editor.set(editor.text().slice(0, settings.composerLimit)), 0);
    }
    if (!!text !== full) app.draft((full = !!text));
    refresh();
  };

  // put puts an editor up, empty, in place of the one that may be there.
  const put = () => {
    editor?.destroy();
    const attributes = settings.editor === "textarea" ? { ...hooks.plainEditor, placeholder: words.ask, "aria-label": words.ask } : { ...hooks.editor, "aria-label": words.ask };
    editor = editors[settings.editor](attributes, { change: changed, enter: send });
    place.replaceChildren(editor.dom);
  };

  const mount = () => {
    put();
    if (settings.draft) editor.set(settings.draft);
    refresh();
    editor.focus();
    app.mounted?.();
  };
  if (settings.mountAfter) setTimeout(mount, settings.mountAfter);
  else mount();

  return { form, extra, refresh, set: (text) => editor.set(text), text: () => editor?.text() ?? "" };
}
