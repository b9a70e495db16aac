import "../shared/base.css";
import "./admin.css";
import { render } from "preact";
import { translation } from "../shared/language";
import { speakShared } from "../shared/texts";
import { App } from "./App";
import { startRouter } from "./router";
import { lookUp } from "./session";
import { speakPanel } from "./texts";

const texts = await translation();
if (texts) {
  speakShared(texts.shared);
  speakPanel(texts.panel);
}
startRouter();
void lookUp();
render(<App />, document.getElementById("app")!);
