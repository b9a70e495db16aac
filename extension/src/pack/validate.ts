import schemaJson from "../../pack/schema.json";
import { HOOKS } from "./types";
import type { Pack } from "./types";

export type Verdict = { ok: true; pack: Pack } | { ok: false; reason: string };

/** Far more than a pack needs, and little enough to check in a moment. */
export const MAX_PACK_CHARACTERS = 262_144;
/** Each alternative costs one search of the page for each look. */
const MAX_ALTERNATIVES = 1_000;

/** The part of JSON Schema that pack/schema.json uses. */
interface Schema {
  $ref?: string;
  type?: "object" | "array" | "string" | "integer" | "boolean";
  enum?: readonly unknown[];
  properties?: Record<string, Schema>;
  required?: readonly string[];
  additionalProperties?: boolean | Schema;
  maxProperties?: number;
  propertyNames?: Schema;
  items?: Schema;
  minItems?: number;
  maxItems?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  minimum?: number;
  maximum?: number;
}

const root = schemaJson as unknown as Schema & { $defs: Record<string, Schema> };

/**
 * Checks a pack, as text or parsed, against pack/schema.json and what a schema cannot say. What passes is a copy made of
 * plain JSON. It says nothing about who made it (isSigned), nor that its selectors are right or even parse: one that
 * does not finds nothing.
 */
export function validatePack(json: unknown): Verdict {
  let text: string;
  let value: unknown;
  try {
    text = typeof json === "string" ? json : (JSON.stringify(json) ?? "");
    if (text.length > MAX_PACK_CHARACTERS) return { ok: false, reason: `it is longer than ${MAX_PACK_CHARACTERS} characters` };
    value = JSON.parse(text);
  } catch {
    return { ok: false, reason: "it is not JSON" };
  }
  const reason = check(value, root, "pack", 0);
  if (reason) return { ok: false, reason };
  const alternatives = text.split('"css"').length - 1;
  if (alternatives > MAX_ALTERNATIVES) return { ok: false, reason: `it has more than ${MAX_ALTERNATIVES} alternatives` };
  const pack = value as Pack;
  for (const name of HOOKS) if (!pack.hooks[name]) return { ok: false, reason: `pack.hooks.${name} is missing` };
  for (const picker of pack.pickers) {
    const missing = picker.form === "named" ? !picker.named : !picker.items || !picker.tiers;
    if (missing) return { ok: false, reason: `picker ${picker.name}: a picker of this form needs ${picker.form === "named" ? "named" : "items and tiers"}` };
    for (const [count, tiers] of Object.entries(picker.tiers ?? {})) {
      if (tiers.length !== Number(count)) return { ok: false, reason: `picker ${picker.name}: ${count} positions, but ${tiers.length} tiers` };
    }
  }
  return { ok: true, pack };
}

/** Why the value does not fit, or null. */
function check(value: unknown, given: Schema, path: string, depth: number): string | null {
  const schema = given.$ref ? (root.$defs[given.$ref.slice("#/$defs/".length)] as Schema) : given;
  if (depth > 12) return `${path} is nested too deep`;
  if (schema.enum && !schema.enum.includes(value)) return `${path} must be one of ${schema.enum.join(", ")}`;
  switch (schema.type) {
    case "string":
      if (typeof value !== "string") return `${path} must be a string`;
      if (!value.isWellFormed()) return `${path} holds a lone surrogate`;
      if (value.length < (schema.minLength ?? 0) || value.length > (schema.maxLength ?? Infinity)) return `${path} has a wrong length`;
      if (schema.pattern && !new RegExp(schema.pattern, "u").test(value)) return `${path} holds what is not allowed there`;
      return null;
    case "integer":
      if (!Number.isSafeInteger(value)) return `${path} must be an integer`;
      if ((value as number) < (schema.minimum ?? -Infinity) || (value as number) > (schema.maximum ?? Infinity)) return `${path} is out of range`;
      return null;
    case "boolean":
      return typeof value === "boolean" ? null : `${path} must be true or false`;
    case "array": {
      if (!Array.isArray(value)) return `${path} must be an array`;
      if (value.length < (schema.minItems ?? 0) || value.length > (schema.maxItems ?? Infinity)) return `${path} has too few or too many items`;
      return first(value, (item, i) => check(item, schema.items ?? {}, `${path}[${i}]`, depth + 1));
    }
    case "object": {
      if (typeof value !== "object" || value === null || Array.isArray(value)) return `${path} must be an object`;
      const names = Object.keys(value);
      if (names.length > (schema.maxProperties ?? Infinity)) return `${path} has too many members`;
      const missing = schema.required?.find((name) => !Object.hasOwn(value, name));
      if (missing !== undefined) return `${path}.${missing} is missing`;
      return first(names, (name) => {
        const where = `${path}.${name.slice(0, 60)}`;
        if (name === "__proto__" || name === "constructor" || name === "prototype") return `${where} is not allowed`;
        const own = schema.properties && Object.hasOwn(schema.properties, name) ? schema.properties[name] : schema.additionalProperties;
        if (own === false) return `${where} is not known`;
        if (schema.propertyNames) {
          const wrong = check(name, schema.propertyNames, where, depth + 1);
          if (wrong) return wrong;
        }
        return own === undefined || own === true ? null : check((value as Record<string, unknown>)[name], own, where, depth + 1);
      });
    }
    default:
      return null;
  }
}

function first<T>(items: readonly T[], judge: (item: T, i: number) => string | null): string | null {
  for (const [i, item] of items.entries()) {
    const reason = judge(item, i);
    if (reason) return reason;
  }
  return null;
}
