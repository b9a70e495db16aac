import "../shared/base.css";
import "./admin.css";
import { render } from "preact";
import { App } from "./App";
import { startRouter } from "./router";
import { lookUp } from "./session";

startRouter();
void lookUp();
render(<App />, document.getElementById("app")!);
