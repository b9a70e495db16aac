import "../shared/base.css";
import "./chat.css";
import { render } from "preact";
import { App } from "./App";
import { start } from "./state";

start();
// Where the keyboard of a phone covers the page without making it smaller, the page is as high as what is seen.
visualViewport?.addEventListener("resize", () => {
  document.documentElement.style.setProperty("--height", `${visualViewport!.height}px`);
});
render(<App />, document.getElementById("app")!);
