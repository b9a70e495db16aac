// Builds dist/chrome and dist/firefox, which are committed and embedded in the program.
// The same sources give the same bytes: fixed names, no hashes, no dates, no source maps.
//
//   node build.mjs [--out DIR]      CHATBRIDGE_PACK_KEY=<hex>: the public key of signed packs, instead of pack/public-key.hex
import { build } from "esbuild";
import { existsSync } from "node:fs";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { manifest } from "./src/manifest.mjs";

const here = new URL("./", import.meta.url).pathname;
const flag = process.argv.indexOf("--out");
const out = flag < 0 ? `${here}dist` : resolve(process.argv[flag + 1]);
const { version } = JSON.parse(await readFile(`${here}package.json`, "utf8"));
const keyFile = `${here}pack/public-key.hex`;
const packKey = process.env.CHATBRIDGE_PACK_KEY ?? (existsSync(keyFile) ? (await readFile(keyFile, "utf8")).trim() : "");

// What runs: name in dist ← entry point. All are classic scripts, each one file, so that nothing loads later.
const scripts = {
  background: "src/background/main.ts", // service worker or event page
  page: "src/page/main.ts", // content script, isolated world
  main: "src/main/main.ts", // the page's own world
  popup: "src/popup/main.ts",
  options: "src/options/main.ts",
};
const styles = { popup: "src/popup/popup.css", options: "src/options/options.css" };

const common = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  charset: "utf8",
  legalComments: "none", // licenses.txt carries them
  target: "es2022",
  write: false,
  outdir: out,
  logLevel: "warning",
  define: { VERSION: JSON.stringify(version), PACK_PUBLIC_KEY: JSON.stringify(packKey) },
};
const built = [
  ...(await build({ ...common, entryPoints: scripts, format: "iife" })).outputFiles,
  ...(await build({ ...common, entryPoints: styles })).outputFiles,
];

// What is bundled asks that its notice goes with it.
const notices = [
  ["turndown", "node_modules/turndown/LICENSE"],
  ["Lucide icons", "licenses/lucide.txt"],
];
let licenses = "";
for (const [name, path] of notices) licenses += `${name}\n\n${(await readFile(here + path, "utf8")).trim()}\n\n\n`;

for (const browser of ["chrome", "firefox"]) {
  const files = new Map(built.map((file) => [relative(out, file.path), file.contents]));
  for (const page of ["popup", "options"]) files.set(`${page}.html`, await readFile(`${here}src/${page}/${page}.html`));
  for (const size of [16, 32, 48, 128]) files.set(`icons/${size}.png`, await readFile(`${here}src/icons/${size}.png`));
  files.set("licenses.txt", licenses);
  files.set("manifest.json", `${JSON.stringify(manifest(browser, version), null, 2)}\n`);
  await replace(join(out, browser), files);
}

/** Makes a folder hold these files and no others. It is never empty meanwhile: the program may be compiled at the same time. */
async function replace(dir, files) {
  for (const [name, contents] of files) {
    const path = join(dir, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, contents);
  }
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath ?? entry.path, entry.name);
    if (entry.isFile() && !files.has(relative(dir, path))) await rm(path);
  }
}
