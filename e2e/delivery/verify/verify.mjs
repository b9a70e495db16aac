// Signs or verifies one webhook with an official library, so that the two sides
// are known to agree. It reads {secret, id, timestamp, signature, body} as JSON
// from stdin. `node verify.mjs LIBRARY sign` prints the signature;
// `node verify.mjs LIBRARY verify` exits with 1 where it does not verify.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const [library, act] = process.argv.slice(2);
const { Webhook } = createRequire(import.meta.url)(library);
const { secret, id, timestamp, signature, body } = JSON.parse(readFileSync(0, "utf8"));
const webhook = new Webhook(secret);
if (act === "sign") {
  process.stdout.write(webhook.sign(id, new Date(timestamp * 1000), body));
} else {
  try {
    webhook.verify(body, { "webhook-id": id, "webhook-timestamp": String(timestamp), "webhook-signature": signature });
  } catch (error) {
    console.error(String(error));
    process.exit(1);
  }
}
