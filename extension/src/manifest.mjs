// The manifest, for Chromium browsers and for Firefox.

/** The site whose pages the extension works on. */
const site = "https://chatgpt.com/*";

/** Fixes the id of copies in Chromium, lpgifbaellhajfoifdpomjafckleaaco: the public half of an RSA key whose private half nobody has kept. */
const key =
  "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAhleV/FRItdkPuosftSi6XPtoMC0Sglg6o53Gd5s73aBBU6wHRpM74H2qatgxAomVcwvwhI6AZVgMxUlDM+NztaG5y7YyTD9iAuBZ1HIbTPtCgYDADd9YQMW4dnKPI1zkC8f5AdFX4qGQMAC9oWugwfdtHdXIm21he4gNAXz5FFsZan/KgJeIMQ46wF0xL3gLWzwUENpHqAqLzFNm9cgZ+Ekf0mdpWavKXYpSezE7iBcfaAjYkhyj4QEEP7iMVu7puioSTQMuMQKf/sku4kLP9upz9ubfHRoVUIG1E/a6QlmeT34LEVgnPtGzbw+G7IN+CXH9WszJE/YA4oVpMctWHwIDAQAB";

/** @param {"chrome" | "firefox"} browser @param {string} version */
export function manifest(browser, version) {
  const chrome = browser === "chrome";
  return {
    manifest_version: 3,
    name: "chatbridge",
    version,
    description: "Answers your own programs' requests in your own ChatGPT tab.",
    ...(chrome ? { key, minimum_chrome_version: "120" } : {}),
    ...(chrome
      ? {}
      : {
          browser_specific_settings: {
            gecko: {
              id: "extension@chatbridge.invalid",
              strict_min_version: "142.0",
              data_collection_permissions: { required: ["none"] },
            },
          },
        }),
    icons: { 16: "icons/16.png", 32: "icons/32.png", 48: "icons/48.png", 128: "icons/128.png" },
    action: { default_title: "chatbridge", default_popup: "popup.html", default_icon: { 16: "icons/16.png", 32: "icons/32.png" } },
    options_ui: { page: "options.html", open_in_tab: true },
    background: chrome ? { service_worker: "background.js" } : { scripts: ["background.js"] },
    content_scripts: [
      // The reader must be there before the page's own scripts are; the page script sets up the channel between them.
      { matches: [site], js: ["page.js"], run_at: "document_start" },
      { matches: [site], js: ["main.js"], run_at: "document_start", world: "MAIN" },
    ],
    permissions: ["storage", "alarms", "scripting"],
    host_permissions: [site],
    // Only the bridge's own address is ever asked for, when it is set up.
    optional_host_permissions: ["https://*/*", "http://*/*"],
    // Named in full because Firefox's default turns ws: into wss:, and a bridge on this machine speaks ws:.
    content_security_policy: {
      extension_pages:
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    },
  };
}
