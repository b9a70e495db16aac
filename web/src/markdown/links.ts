/** Where a link of an answer leads, as the browser will read it: whole web addresses and mail only. Null: it is shown as text. */
export function linkTarget(address: string): string | null {
  // An address without its scheme would lead into this server, so none is taken.
  if (!/^(?:https?:\/\/|mailto:)/i.test(address)) return null;
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    return null;
  }
  if (!["http:", "https:", "mailto:"].includes(url.protocol)) return null;
  // https://bank.example@evil.example is made to be misread.
  if (url.username !== "" || url.password !== "") return null;
  return url.href;
}
