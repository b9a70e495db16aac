import "../shared/base.css";
import "./chat.css";
import "./thread.css";
import "./markdown.css";
import { render } from "preact";
import { translation } from "../shared/language";
import { speakShared } from "../shared/texts";
import { App } from "./App";
import { listenToKeys } from "./keys";
import { start } from "./live";
import { speakChat } from "./texts";

const texts = await translation();
if (texts) {
  speakShared(texts.shared);
  speakChat(texts.chat);
}
start();
listenToKeys();
fitKeyboard();
render(<App />, document.getElementById("app")!);

/** Where the keyboard of a phone covers the page without making it smaller, the page is as high as what is seen. */
function fitKeyboard(): void {
  const seen = window.visualViewport;
  seen?.addEventListener("resize", () => {
    // A page that is zoomed by hand is not covered by anything.
    const covered = seen.scale === 1 && innerHeight - seen.height > 1;
    if (!covered) document.documentElement.style.removeProperty("--height");
    else document.documentElement.style.setProperty("--height", `${seen.height}px`);
    if (covered) scrollTo(0, 0);
  });
}
