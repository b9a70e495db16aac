// The reader: runs in the page's own world before the page's scripts, and passes on what the page receives of its answers.
import { stream } from "../../pack/default.json";
import { start } from "./reader";

start({ send: stream.send, resume: stream.resume, read: stream.read, mark: stream.socket.turn });
