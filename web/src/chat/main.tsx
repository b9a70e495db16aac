import "../shared/base.css";
import "./chat.css";
import { render } from "preact";
import { translation } from "../shared/language";
import { speakShared } from "../shared/texts";
import { App } from "./App";
import { start } from "./state";
import { speakChat } from "./texts";

const texts = await translation();
if (texts) {
  speakShared(texts.shared);
  speakChat(texts.chat);
}
start();
// Where the keyboard of a phone covers the page without making it smaller, the page is as high as what is seen.
visualViewport?.addEventListener("resize", () => {
  document.documentElement.style.setProperty("--height", `${visualViewport!.height}px`);
});
render(<App />, document.getElementById("app")!);
