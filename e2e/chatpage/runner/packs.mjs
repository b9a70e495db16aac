// Selector packs for the redesigned page, signed with a key that is thrown away,
// and an extension that is built to trust it.
import { execFile } from "node:child_process";
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const extension = fileURLToPath(new URL("../../../extension/", import.meta.url));

const { privateKey } = generateKeyPairSync("ed25519");
const raw = createPublicKey(privateKey).export({ type: "spki", format: "der" }).subarray(-32);

// Where things stand after the redesign: what goes before each hook's alternatives.
const renamed = {
  composer: "[data-qa=ask]", form: "[data-qa=bar]", send: "[data-qa=go]", stop: "[data-qa=halt]", turn: "[data-qa=said]", turn_user: "[data-who=me]", turn_assistant: "[data-who=it]",
  user_text: ".asked", answer: "[data-qa=words]", actions: "[data-qa=copy]", thinking: "[data-qa=busy]", account: "[data-qa=me]", title: '[data-qa^=past-][href$="/c/CHAT"]',
};

let version = 2099010100;

// write makes a new pack and returns its file; it is signed by the program.
export async function write(binary, folder, { signed }) {
  const pack = JSON.parse(await readFile(join(extension, "pack/default.json"), "utf8"));
  pack.version = ++version;
  pack.turn_keys.unshift("data-key");
  for (const [hook, css] of Object.entries(renamed)) pack.hooks[hook].alternatives.unshift({ name: "redesign", css });
  const file = join(folder, `pack-${pack.version}.json`);
  await writeFile(file, JSON.stringify(pack));
  if (signed) {
    const key = join(folder, "pack.key");
    await writeFile(key, privateKey.export({ type: "pkcs8", format: "pem" }));
    await run(binary, ["pack", "sign", file, "--key", key]);
  }
  return file;
}

// build makes an extension that takes packs signed with our key.
let built;
export const build = (root) =>
  (built ??= (async () => {
    if (!existsSync(join(extension, "node_modules/.package-lock.json"))) await run("npm", ["ci", "--no-audit", "--no-fund", "--silent"], { cwd: extension });
    const out = join(root, "extension");
    await run("node", ["build.mjs", "--out", out], { cwd: extension, env: { ...process.env, CHATBRIDGE_PACK_KEY: raw.toString("hex") } });
    return out;
  })());
