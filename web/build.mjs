// Builds the pages into dist/, which is committed and embedded in the program.
// The same sources give the same bytes: fixed names, no hashes, no dates, no source maps.
import { build } from "esbuild";
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";

const here = new URL("./", import.meta.url);
const at = (path) => new URL(path, here);

await rm(at("dist"), { recursive: true, force: true });
await mkdir(at("dist"));

const common = {
  absWorkingDir: here.pathname,
  bundle: true,
  minify: true,
  charset: "utf8",
  legalComments: "none", // licenses.txt carries them
  target: "es2022",
  outdir: "dist",
  logLevel: "warning",
};
await build({ ...common, entryPoints: { chat: "src/chat/main.tsx", admin: "src/admin/main.tsx" }, format: "esm", jsx: "automatic", jsxImportSource: "preact" });
await build({ ...common, entryPoints: { docs: "src/docs/docs.css" } });
// theme.js blocks the first paint, so it is a classic script of its own and a few bytes long.
await build({ ...common, entryPoints: { theme: "src/shared/theme-boot.ts" }, format: "iife" });

for (const name of ["index.html", "admin.html", "favicon.svg"]) await cp(at(`src/${name}`), at(`dist/${name}`));

// What is bundled asks that its notice goes with it.
const notices = [
  ["preact", "node_modules/preact/LICENSE"],
  ["@preact/signals, @preact/signals-core", "node_modules/@preact/signals/LICENSE"],
  ["Lucide icons", "licenses/lucide.txt"],
];
let text = "";
for (const [name, path] of notices) text += `${name}\n\n${(await readFile(at(path), "utf8")).trim()}\n\n\n`;
await writeFile(at("dist/licenses.txt"), text);
