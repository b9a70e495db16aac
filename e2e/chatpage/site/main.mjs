// The fixture site by itself, to look at: node site/main.mjs. A side port takes
// settings (POST /set, POST /reset) and tells what was asked (GET /prompts).
import { createServer } from "node:http";
import { Site } from "./site.mjs";
import { certificate } from "./tls.mjs";

const site = await Site.start(certificate());
const side = createServer(async (q, r) => {
  const parts = [];
  for await (const p of q) parts.push(p);
  const given = parts.length ? JSON.parse(Buffer.concat(parts).toString()) : {};
  if (q.url === "/set") site.set(given);
  else if (q.url === "/reset") site.reset(given);
  else if (q.url === "/tell") site.tell(given);
  r.setHeader("content-type", "application/json");
  r.end(JSON.stringify({ settings: site.settings, prompts: site.chats.report(), strangers: site.strangers, visible: site.visible.at(-1) ?? null, heard: site.heard }));
});
await new Promise((done) => side.listen(0, "127.0.0.1", done));
console.log(JSON.stringify({ port: site.port, spki: site.spki, side: side.address().port }));
