// Builds the pages into dist/, which is committed and embedded in the program.
// The same sources give the same bytes: fixed names, no hashes, no dates, no source maps.
import { build } from "esbuild";
import { cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";

const here = new URL("./", import.meta.url);
const at = (path) => new URL(path, here);
await mkdir(at("dist"), { recursive: true });

const common = {
  absWorkingDir: here.pathname,
  bundle: true,
  minify: true,
  charset: "utf8",
  legalComments: "none", // licenses.txt carries them
  target: "es2022",
  outdir: "dist",
  logLevel: "warning",
  external: ["/assets/*"], // loaded when first needed, by import("/assets/NAME.js")
};
const pages = { chat: "src/chat/main.tsx", admin: "src/admin/main.tsx" };
// Each of these is a file of its own that a page imports when it first needs it.
const lazy = { de: "src/texts/de.ts", highlight: "src/markdown/highlight.ts", maths: "src/markdown/maths.ts" };
await build({ ...common, entryPoints: { ...pages, ...lazy }, format: "esm", jsx: "automatic", jsxImportSource: "preact" });
await build({ ...common, entryPoints: { docs: "src/docs/docs.css" } });
// theme.js blocks the first paint, so it is a classic script of its own and a few bytes long.
await build({ ...common, entryPoints: { theme: "src/shared/theme-boot.ts" }, format: "iife" });

const copied = ["index.html", "admin.html", "favicon.svg"];
for (const name of copied) await cp(at(`src/${name}`), at(`dist/${name}`));

// What is bundled asks that its notice goes with it.
const notices = [
  ["preact", "node_modules/preact/LICENSE"],
  ["@preact/signals, @preact/signals-core", "node_modules/@preact/signals/LICENSE"],
  ["marked", "node_modules/marked/LICENSE"],
  ["DOMPurify", "node_modules/dompurify/LICENSE"],
  ["highlight.js", "node_modules/highlight.js/LICENSE"],
  ["KaTeX", "node_modules/katex/LICENSE"],
  ["Lucide icons", "licenses/lucide.txt"],
];
let text = "";
for (const [name, path] of notices) text += `${name}\n\n${(await readFile(at(path), "utf8")).trim()}\n\n\n`;
await writeFile(at("dist/licenses.txt"), text);

const made = new Set([...copied, "licenses.txt", "theme.js", "docs.css", ...Object.keys(pages).flatMap((name) => [`${name}.js`, `${name}.css`]), ...Object.keys(lazy).map((name) => `${name}.js`)]);
for (const name of await readdir(at("dist"))) if (!made.has(name)) await rm(at(`dist/${name}`), { recursive: true });
