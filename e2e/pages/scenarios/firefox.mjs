// What Firefox plays: the chat page's main ways, from the scenarios of Chromium that need nothing of it alone, and its console.
import { equal } from "node:assert/strict";
import { scenarios as all } from "./all.mjs";

const chosen = /^(log-in: wrong|waiting: (nobody|paused)|streaming: (opening|the worker|corrected|stopped)|answers: (Markdown|right)|broken: the server|failed: (worker_error|too_long|mode_unavailable$|incomplete)|edit|address|modes: what|keyboard: (all|stop))/;

export const scenarios = [
  {
    name: "guide: the complete flow, with its lines on the console",
    steps: [
      ["enter"],
      ["say", "Hello"],
      ["see", "You said: Hello"],
      ["spoken", "Answer complete"],
      [
        "is",
        "the console",
        (run) => {
          const lines = run.page.console.filter((l) => l.method === "log").map((l) => ({ words: l.args.filter((a) => a.type === "string").map((a) => a.value).join(" "), object: l.args.find((a) => a.type === "object") }));
          const id = run.worker.last.id;
          equal(lines.map((l) => l.words).join("\n"), [`📡 Connecting to SSE for request: ${id}`, "✅ SSE connection established", "📨 SSE message received:", "📨 SSE message received:", "✅ Response received successfully"].join("\n"));
          equal(lines.filter((l) => l.object).length, 2);
        },
      ],
    ],
  },
  ...all.filter((s) => chosen.test(s.name)),
];
