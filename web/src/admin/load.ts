import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError, needsLogIn, sentence, type Reply } from "../shared/api";
import { returns } from "./connection";
import { ask, logIns } from "./session";

export { usePoll } from "./poll";

/** What is read from the server for a view. */
export interface Load<T> {
  data: Reply<T> | null;
  /** Why the last reading failed; what was read before stays. */
  error: string | null;
  /** The server says that there is no such thing (404). */
  missing: boolean;
  reload: () => Promise<void>;
}

/** Reads a path when the view opens, when the path changes, and after a new log-in. Null reads nothing. */
export function useLoad<T>(path: string | null): Load<T> {
  const [shown, setShown] = useState<{ path: string | null; data: Reply<T> | null; error: string | null; missing: boolean }>({ path, data: null, error: null, missing: false });
  const current = useRef(path);
  current.current = path;
  const reload = useCallback(async () => {
    if (path === null) return;
    try {
      const data = await ask<T>(path);
      if (current.current === path) setShown({ path, data, error: null, missing: false });
    } catch (error) {
      if (needsLogIn(error)) return;
      const status = error instanceof ApiError ? error.status : null;
      if (current.current !== path) return;
      setShown((before) => {
        const data = before.path === path ? before.data : null;
        // While something is shown, the frame alone says that the server is away.
        return { path, data, error: status === 0 && data ? null : sentence(error), missing: status === 404 };
      });
    }
  }, [path]);
  const entered = logIns.value;
  useEffect(() => void reload(), [reload, entered]);
  const back = returns.value;
  const failed = useRef(false);
  failed.current = shown.error !== null;
  useEffect(() => {
    if (failed.current) void reload();
  }, [back]);
  const mine = shown.path === path;
  return { data: mine ? shown.data : null, error: mine ? shown.error : null, missing: mine && shown.missing, reload };
}
