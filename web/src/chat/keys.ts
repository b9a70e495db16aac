import { announce } from "../shared/announce";
import { copyText } from "../shared/copy";
import { confirm, drawer, keysShown, wide } from "./frame";
import { key, refused } from "./key";
import { type Shortcut, shortcutOf } from "./shortcuts";
import { focusComposer, open } from "./state";
import { t } from "./texts";

const mac = /Mac|iPhone|iPad/.test(navigator.platform);

/** A key as it is called here. */
export const controlName = () => (mac ? "⌘" : t.keys.names.control);

/** Listens to the page's keys, as long as it is there. */
export function listenToKeys(): void {
  addEventListener("keydown", (event) => {
    const shortcut = event.isComposing ? null : shortcutOf(event, mac);
    if (shortcut === null || key.peek() === null || refused.peek()) return;
    event.preventDefault();
    press[shortcut]();
  });
}

const press: Record<Shortcut, () => void> = {
  search() {
    keysShown.value = false;
    if (!wide.peek()) drawer.value = true;
    // The drawer is drawn first.
    setTimeout(() => {
      const field = document.getElementById("search");
      if (field instanceof HTMLInputElement) field.select();
    });
  },
  newChat() {
    drawer.value = keysShown.value = false;
    open(null);
    setTimeout(focusComposer);
  },
  copyCode: () => void copyLastCode(),
  list: () => (keysShown.value = !keysShown.peek()),
  composer() {
    drawer.value = keysShown.value = false;
    setTimeout(focusComposer);
  },
};

async function copyLastCode(): Promise<void> {
  const block = [...document.querySelectorAll<HTMLElement>("[role=log] pre")].at(-1);
  const code = block?.querySelector<HTMLElement>("code") ?? block;
  const words = !code ? t.keys.noCode : { copied: t.keys.codeCopied, selected: t.keys.codeNotCopied, failed: t.keys.codeNotCopied }[await copyText(code.textContent ?? "", code)];
  announce(words);
  confirm(words);
}
