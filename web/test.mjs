// Bundles each src/**/*.test.ts into a folder of its own outside the tree and runs it with node's test runner.
import { build } from "esbuild";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const found = readdirSync("src", { recursive: true }).filter((name) => name.endsWith(".test.ts")).map((name) => join("src", name));
const out = mkdtempSync(join(tmpdir(), "web-test-"));
try {
  await build({ entryPoints: found.sort(), bundle: true, platform: "node", format: "esm", outExtension: { ".js": ".mjs" }, outdir: out, logLevel: "warning", jsx: "automatic", jsxImportSource: "preact" });
  const files = readdirSync(out, { recursive: true }).filter((name) => name.endsWith(".mjs")).map((name) => join(out, name));
  process.exitCode = spawnSync(process.execPath, ["--test", ...files], { stdio: "inherit" }).status ?? 1;
} finally {
  rmSync(out, { recursive: true, force: true });
}
