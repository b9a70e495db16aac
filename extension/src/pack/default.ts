import json from "../../pack/default.json";
import { validatePack } from "./validate";
import type { Pack } from "./types";

/** The pack that the extension was built with; what it falls back to. */
export const defaultPack: Pack = (() => {
  const verdict = validatePack(json);
  if (!verdict.ok) throw new Error(`pack/default.json: ${verdict.reason}`);
  return verdict.pack;
})();
