// The documents that the site serves.
import { randomBytes } from "node:crypto";

// shell is the app's document, under a content security policy with a nonce.
export function shell(bootstrap) {
  const nonce = randomBytes(16).toString("base64");
  const policy = [
    "default-src 'self'", `script-src 'nonce-${nonce}' 'self' 'wasm-unsafe-eval' chatgpt.com/cdn/assets/`, "style-src 'self' 'unsafe-inline'", "img-src 'self' data: blob:",
    "connect-src 'self' wss://*.chatgpt.com https://*.chatgpt.com", "frame-ancestors 'self'", "base-uri 'self'", "object-src 'none'",
  ].join("; ");
  return {
    head: { "content-security-policy": policy, "cross-origin-opener-policy": "same-origin-allow-popups", "referrer-policy": "strict-origin-when-cross-origin" },
    text: `<!doctype html><html lang="${bootstrap.settings.lang}" dir="ltr"><head><meta charset="utf-8"><title>ChatGPT</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>${style}</style>
<script nonce="${nonce}" id="client-bootstrap" type="application/json">${JSON.stringify(bootstrap).replaceAll("<", "\\u003c")}</script>
<script nonce="${nonce}" async src="/cdn-cgi/challenge-platform/scripts/jsd/main.js"></script>
<script nonce="${nonce}" type="module" src="/cdn/assets/app.js"></script>
</head><body><div id="root"></div></body></html>`,
  };
}

// interstitial is what stands before the app when a human is to be proved.
export const interstitial = {
  head: {},
  text: `<!doctype html><html lang="en-US"><head><title>Just a moment...</title><meta name="robots" content="noindex,nofollow"></head><body>
<div class="main-wrapper" role="main"><div class="main-content"><h1 class="zone-name-title h1">chatgpt.com</h1><p id="cf-please-wait">Verify you are human by completing the action below.</p>
<form id="challenge-form" method="POST"><iframe src="https://challenges.cloudflare.com/turnstile" title="challenge"></iframe></form></div></div>
<script src="/cdn-cgi/challenge-platform/h/g/orchestrate/chl_page/v1"></script></body></html>`,
};

export const loginHost = { head: {}, text: `<!doctype html><html><head><title>Log in - OpenAI</title></head><body><h1>Welcome back</h1><form><input type="email" name="email"></form></body></html>` };

const style = `
body{margin:0;font:16px/1.5 system-ui;display:flex;height:100vh}#root{display:flex;width:100%}
nav{width:220px;border-right:1px solid #ddd;padding:8px;overflow:auto}nav a{display:block;padding:4px}main{flex:1;display:flex;flex-direction:column;min-width:0}
.thread{flex:1;overflow:auto;padding:16px}form{margin:12px;border:1px solid #bbb;border-radius:12px;padding:8px}
.ProseMirror,[contenteditable]{min-height:24px;max-height:200px;overflow:auto;white-space:pre-wrap;outline:none}
.whitespace-pre-wrap{white-space:pre-wrap}.sr-only{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}.katex-mathml{position:absolute;clip-path:inset(50%)}
.overlay{position:fixed;inset:0;background:#0008;display:grid;place-items:center}[role=dialog]{background:#fff;padding:24px;max-width:420px;border-radius:12px}
[role=menu],[data-picker]{position:fixed;bottom:120px;left:300px;background:#fff;border:1px solid #ccc;padding:8px}.hidden{display:none}
`;
