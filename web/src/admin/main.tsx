import "../shared/base.css";
import "./frame.css";
import "./admin.css";
import "./manage.css";
import "./list/list.css";
import "./detail.css";
import "./overview/overview.css";
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
