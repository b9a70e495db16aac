import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { sentence, type Reply } from "../shared/api";
import { ask, ended, logIns } from "./session";

/** What is read from the server for a view. */
export interface Load<T> {
  data: Reply<T> | null;
  /** Why the last reading failed; what was read before stays. */
  error: string | null;
  reload: () => Promise<void>;
}

/** Reads a path when the view opens, when the path changes, and after a new log-in. Null reads nothing. */
export function useLoad<T>(path: string | null): Load<T> {
  const [shown, setShown] = useState<{ path: string | null; data: Reply<T> | null; error: string | null }>({ path, data: null, error: null });
  const current = useRef(path);
  current.current = path;
  const reload = useCallback(async () => {
    if (path === null) return;
    try {
      const data = await ask<T>(path);
      if (current.current === path) setShown({ path, data, error: null });
    } catch (error) {
      if (current.current === path) setShown((before) => ({ path, data: before.path === path ? before.data : null, error: sentence(error) }));
    }
  }, [path]);
  const entered = logIns.value;
  useEffect(() => void reload(), [reload, entered]);
  const mine = shown.path === path;
  return { data: mine ? shown.data : null, error: mine ? shown.error : null, reload };
}

/** Reads again every `milliseconds` while the page is seen and `active`. */
export function usePoll(reload: () => Promise<void>, active: boolean, milliseconds: number): void {
  useEffect(() => {
    if (!active) return;
    let stopped = false;
    let timer: ReturnType<typeof setTimeout>;
    const look = async () => {
      if (!document.hidden && !ended.peek()) await reload();
      // The next look is counted from the answer: a slow server is not asked twice at once.
      if (!stopped) timer = setTimeout(look, milliseconds);
    };
    timer = setTimeout(look, milliseconds);
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }, [reload, active, milliseconds]);
}
