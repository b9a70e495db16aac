// Bundles each src/**/*.test.ts into a folder of its own outside the tree and runs it with node's test runner.
//
//   node test.mjs [PART OF A FILE'S NAME…]
import { build } from "esbuild";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const wanted = process.argv.slice(2);
const found = readdirSync("src", { recursive: true })
  .filter((name) => name.endsWith(".test.ts") && (wanted.length === 0 || wanted.some((part) => name.includes(part))))
  .map((name) => join("src", name));
const out = mkdtempSync(join(tmpdir(), "extension-test-"));
try {
  await build({
    entryPoints: found.sort(),
    bundle: true,
    platform: "node",
    format: "esm",
    outExtension: { ".js": ".mjs" },
    outdir: out,
    outbase: "src",
    logLevel: "warning",
    define: { VERSION: '"0.0.0"', PACK_PUBLIC_KEY: '""' },
    // What is bundled may be old-fashioned and ask for require.
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
  });
  const files = readdirSync(out, { recursive: true }).filter((name) => name.endsWith(".test.mjs")).map((name) => join(out, name));
  process.exitCode = spawnSync(process.execPath, ["--test", ...files], { stdio: "inherit" }).status ?? 1;
} finally {
  rmSync(out, { recursive: true, force: true });
}
