import { useEffect } from "preact/hooks";
import { t } from "./texts";

/** Names the view in the title of the window. Null while the name is not known yet. */
export function useTitle(words: string | null): void {
  useEffect(() => {
    if (words !== null) document.title = t.frame.title(words);
  }, [words]);
}
