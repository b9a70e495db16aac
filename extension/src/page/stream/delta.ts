// Delta encoding v1 of the site's stream: each event {p, o, v} changes a JSON value. p is a JSON Pointer, o an operation; what
// is left out is as in the event before.

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type JsonObject = { [name: string]: Json };

export interface Delta {
  p?: string;
  o?: string;
  v?: Json;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether the event is one of the encoding, and not a message or a notice with a type. */
export function isDelta(value: unknown): value is Delta {
  return isObject(value) && !("type" in value) && !("message" in value) && ("v" in value || "o" in value) && (value.p === undefined || typeof value.p === "string");
}

/** Fields that are words of a few: what comes for them replaces, whatever operation is inherited. */
const WORDS = /\/(?:status|end_turn|channel|recipient|type)$/;

export class DeltaDecoder {
  value: Json = null;
  private path = "";
  private operation = "add";
  /** Where text was last appended: what a bare text means after a patch. */
  private textPath = "";

  /** Applies one event. Returns false where it makes no sense, and the value may no longer be what the site has. */
  apply(delta: Delta): boolean {
    const { v } = delta;
    if (delta.p === undefined && delta.o === undefined) {
      // A whole message begins the value anew, whatever came before.
      if (isObject(v) && "message" in v) return this.step("", "add", v);
      if (isPatch(v)) return this.step(this.operation === "patch" ? this.path : "", "patch", v);
      if (typeof v === "string" && this.operation !== "append" && this.textPath !== "") return this.step(this.textPath, "append", v);
    }
    const path = delta.p ?? this.path;
    let operation = delta.o ?? (isPatch(v) ? "patch" : this.operation);
    if (delta.o === undefined && delta.p !== undefined && (WORDS.test(path) || (operation === "append" && typeof v !== "string" && !Array.isArray(v) && !isObject(v)))) operation = "replace";
    return this.step(path, operation, v);
  }

  private step(path: string, operation: string, v: Json | undefined): boolean {
    this.path = path;
    this.operation = operation;
    return this.change(path, operation, v);
  }

  private change(path: string, operation: string, v: Json | undefined): boolean {
    if (operation === "patch") {
      if (!Array.isArray(v)) return false;
      let good = true;
      let last = "append";
      for (const inner of v) {
        if (!isObject(inner) || typeof inner.p !== "string") {
          good = false;
          continue;
        }
        const p = path + inner.p;
        if (typeof inner.o === "string") last = inner.o;
        else last = WORDS.test(p) ? "replace" : "append";
        if (!this.change(p, last, inner.v)) good = false;
      }
      return good;
    }
    if (v === undefined && operation !== "remove") return false;
    const keys = path.split("/").slice(1).map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
    if (keys.includes("__proto__")) return false;
    const key = keys.pop();
    if (key === undefined) {
      if (operation === "append" && isObject(this.value) && isObject(v)) Object.assign(this.value, v);
      else if (operation === "remove") this.value = null;
      else this.value = v as Json;
      return true;
    }
    let at: Json | undefined = this.value;
    for (const step of keys) at = Array.isArray(at) ? at[Number(step)] : isObject(at) && Object.hasOwn(at, step) ? at[step] : undefined;
    if (Array.isArray(at)) return changeArray(at, key, operation, v as Json, () => (this.textPath = path));
    if (!isObject(at)) return false;
    const old = Object.hasOwn(at, key) ? at[key] : undefined;
    switch (operation) {
      case "remove":
        delete at[key];
        return true;
      case "append": {
        const joined = join(old, v as Json);
        if (joined === undefined) return false;
        at[key] = joined;
        if (typeof v === "string") this.textPath = path;
        return true;
      }
      case "add":
      case "replace":
        at[key] = v as Json;
        return true;
      default:
        return false;
    }
  }
}

function changeArray(at: Json[], key: string, operation: string, v: Json, appended: () => void): boolean {
  const index = key === "-" ? at.length : Number(key);
  // An index far beyond the end would make an array of holes.
  if (!Number.isSafeInteger(index) || index < 0 || index > at.length) return false;
  switch (operation) {
    case "remove":
      at.splice(index, 1);
      return true;
    case "append": {
      const joined = join(at[index], v);
      if (joined === undefined) return false;
      at[index] = joined;
      if (typeof v === "string") appended();
      return true;
    }
    case "add":
      at.splice(index, 0, v);
      return true;
    case "replace":
      at[index] = v;
      return true;
    default:
      return false;
  }
}

function join(old: Json | undefined, v: Json): Json | undefined {
  if (old === undefined || old === null) return v;
  if (typeof old === "string" && typeof v === "string") return old + v;
  if (Array.isArray(old)) return Array.isArray(v) ? [...old, ...v] : [...old, v];
  if (isObject(old) && isObject(v)) return { ...old, ...v };
  return undefined;
}

function isPatch(v: Json | undefined): v is JsonObject[] {
  return Array.isArray(v) && v.length > 0 && v.every((inner) => isObject(inner) && typeof inner.p === "string");
}
