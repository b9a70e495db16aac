function bytes(count: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(count));
}

/** A fresh API key: "cb_" and 256 random bits in base64url. Works on plain http too. */
export function freshKey(): string {
  const text = btoa(String.fromCharCode(...bytes(32)));
  return "cb_" + text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** A random name for one send (128 bits, hex). crypto.randomUUID is missing on plain http. */
export function freshToken(): string {
  return Array.from(bytes(16), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
