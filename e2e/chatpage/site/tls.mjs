// A certificate of our own for the site's names, and the hash by which a browser
// is told to take it.
import { execFileSync } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export function certificate() {
  const dir = mkdtempSync(join(tmpdir(), "chatpage-"));
  try {
    const names = "DNS:chatgpt.com,DNS:*.chatgpt.com,DNS:auth.openai.com";
    execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", join(dir, "key"), "-out", join(dir, "cert"),
      "-days", "7", "-subj", "/CN=chatgpt.com", "-addext", `subjectAltName=${names}`], { stdio: "ignore" });
    const cert = readFileSync(join(dir, "cert"));
    const spki = createHash("sha256").update(new X509Certificate(cert).publicKey.export({ type: "spki", format: "der" })).digest("base64");
    return { key: readFileSync(join(dir, "key")), cert, spki };
  } finally {
    rmSync(dir, { recursive: true });
  }
}
