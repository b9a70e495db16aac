/**
 * Whether a path is one of a pattern such as /backend-api/conversations/{chat}, where a part in braces stands for one
 * whole part. Returns what the braces stood for, or null. Packs hold such patterns and never regular expressions: these
 * could be made to run for hours.
 */
export function matchPath(pattern: string, path: string): Record<string, string> | null {
  const wanted = parts(pattern);
  const given = parts(path);
  if (wanted.length !== given.length) return null;
  const found: Record<string, string> = {};
  for (const [i, part] of wanted.entries()) {
    const here = given[i] ?? "";
    const name = /^\{([a-z]+)\}$/.exec(part)?.[1];
    if (name) {
      if (here === "") return null;
      found[name] = here;
    } else if (part !== here) return null;
  }
  return found;
}

/** The first pattern that fits, or null. */
export function matchPaths(patterns: readonly string[], path: string): Record<string, string> | null {
  for (const pattern of patterns) {
    const found = matchPath(pattern, path);
    if (found) return found;
  }
  return null;
}

/** A slash at the end says nothing. */
function parts(path: string): string[] {
  return (path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path).split("/");
}
