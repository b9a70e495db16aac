import { useSignalEffect } from "@preact/signals";
import { Announcer } from "../shared/announce";
import { Dialog, Questions } from "../shared/dialog";
import { Icon } from "../shared/icons";
import { ChatList } from "./ChatList";
import { Composer } from "./Composer";
import { Connection } from "./Connection";
import { drawer, toast, wide } from "./frame";
import { key, refused } from "./key";
import { KeysDialog } from "./KeysDialog";
import { LogIn } from "./LogIn";
import { openChat, openId, viewed } from "./state";
import { t } from "./texts";
import { Thread } from "./Thread";
import { titleOf } from "./title";

/** What the open chat is called. */
function name(): string {
  if (openId.value === null) return t.newChat;
  return openChat.value ? titleOf(openChat.value) : t.untitled(openId.value);
}

/** The chat page. */
export function App() {
  useSignalEffect(() => {
    document.title = key.value !== null && openId.value !== null ? `${name()} · chatbridge` : "chatbridge";
  });
  if (key.value === null) {
    return (
      <>
        <main class="centre">
          <LogIn />
        </main>
        <Announcer />
      </>
    );
  }
  const close = () => (drawer.value = false);
  return (
    <>
      <a class="skip" href="#composer" onClick={skip}>
        {t.frame.skip}
      </a>
      <div class="page">
        {wide.value && (
          <nav class="side" aria-label={t.chats}>
            <ChatList onChosen={() => {}} />
          </nav>
        )}
        <main class="stage">
          <header class="bar">
            {!wide.value && (
              <button type="button" class="button quiet" aria-label={t.frame.openList} onClick={() => (drawer.value = true)}>
                <Icon name="menu" />
              </button>
            )}
            <h1 dir="auto">{name()}</h1>
            <Connection />
          </header>
          <Thread key={viewed.value} />
          <Composer />
          {toast.value && <p class="toast">{toast.value}</p>}
        </main>
      </div>
      {drawer.value && !wide.value && (
        <Dialog label={t.chats} class="drawer" onClose={close}>
          <nav class="side" aria-label={t.chats}>
            <ChatList onChosen={close} onClose={close} />
          </nav>
        </Dialog>
      )}
      <KeysDialog />
      {refused.value && (
        <Dialog label={t.logIn.again} class="bare">
          <LogIn again />
        </Dialog>
      )}
      <Questions />
      <Announcer />
    </>
  );
}

/** To the composer, without a word in the URL: what stands behind # there is a message. */
function skip(event: Event): void {
  event.preventDefault();
  document.getElementById("composer")?.focus();
}
