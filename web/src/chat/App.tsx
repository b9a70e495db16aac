import { signal, useSignalEffect } from "@preact/signals";
import { Announcer } from "../shared/announce";
import { Dialog, Questions } from "../shared/dialog";
import { Icon } from "../shared/icons";
import { media } from "../shared/media";
import { ChatList } from "./ChatList";
import { Composer } from "./Composer";
import { key, refused } from "./key";
import { LogIn } from "./LogIn";
import { openChat, openId } from "./state";
import { Thread } from "./Thread";

const wide = media("(min-width: 1000px)");
const drawer = signal(false);

/** The chat page. */
export function App() {
  const title = openId.value === null ? "New chat" : (openChat.value?.title ?? "Chat " + openId.value);
  useSignalEffect(() => {
    const named = openId.value !== null && openChat.value?.title;
    document.title = named ? `${named} · chatbridge` : "chatbridge";
  });
  if (key.value === null) {
    return (
      <>
        <main class="centre">
          <LogIn title="chatbridge" />
        </main>
        <Announcer />
      </>
    );
  }
  const close = () => (drawer.value = false);
  return (
    <>
      <a class="skip" href="#composer">
        Skip to the message field
      </a>
      <div class="page">
        {wide.value && (
          <nav class="side" aria-label="Chats">
            <ChatList onChosen={() => {}} />
          </nav>
        )}
        <main class="stage">
          <header class="bar">
            {!wide.value && (
              <button type="button" class="button quiet" aria-label="Chats" onClick={() => (drawer.value = true)}>
                <Icon name="menu" />
              </button>
            )}
            <h1>{title}</h1>
          </header>
          <Thread key={openId.value} />
          <Composer />
        </main>
      </div>
      {drawer.value && !wide.value && (
        <Dialog label="Chats" class="drawer" onClose={close}>
          <nav class="side" aria-label="Chats">
            <ChatList onChosen={close} onClose={close} />
          </nav>
        </Dialog>
      )}
      {refused.value && (
        <Dialog label="Log in again" class="bare">
          <LogIn title="Log in again" reason="The server no longer takes this key. What you wrote is kept." />
        </Dialog>
      )}
      <Questions />
      <Announcer />
    </>
  );
}
