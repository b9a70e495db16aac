import { useComputed } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { drawing } from "../markdown/view";
import { Button, Loading, Notice } from "../shared/ui";
import { attach, followEnd, holdPlace, jumpTo, textBelow } from "./scroll";
import { loadOlder, loadTurns, olderLoaded, olderTurns, openId, target, turns, turnsLoaded } from "./state";
import { t } from "./texts";
import { TurnView } from "./TurnView";
import { unfinished } from "./turn";

/** Older messages are read when the reader comes this near to the oldest one here. */
const NEAR = "800px 0px 0px 0px";

/** A chat that is still being drawn is not looked at for how near its start is. Milliseconds. */
const LOOK_AGAIN = 200;

/** The messages of the open chat. */
export function Thread() {
  const element = useRef<HTMLDivElement>(null);
  const loaded = turnsLoaded.value;
  const shown = turns.value;
  const first = shown[0]?.id ?? null;
  useEffect(() => attach(element.current!), []);
  usePlace(first);
  const aimed = target.value;
  const here = aimed !== null && shown.some(({ id }) => id === aimed);
  const opened = useRef(false);
  useLayoutEffect(() => {
    if (first === null || (opened.current && !here)) return;
    opened.current = true;
    jumpTo(here ? aimed! : "");
    if (here) target.value = null;
  }, [first === null, here, aimed]);
  return (
    <div class="log-frame">
      <div class="log" ref={element} role="log" aria-live="off" aria-label={t.turn.messages} tabIndex={0}>
        <div class="column">
          {loaded.state === "loading" && first === null && <Loading>{t.turn.loading}</Loading>}
          {loaded.state === "failed" && <Notice actions={<Button onClick={() => loadTurns()}>{t.turn.tryAgain}</Button>}>{loaded.error}</Notice>}
          {loaded.state === "ready" && first === null && <Empty />}
          {first !== null && olderTurns.value !== null && <Older key={olderTurns.value} />}
          {shown.map((turn) => (
            <TurnView key={turn.id} turn={turn} />
          ))}
        </div>
      </div>
      <Below />
    </div>
  );
}

/** Stands where there are no messages. Whether a browser is connected is told by the first message's reply only. */
function Empty() {
  if (openId.value !== null) return <p class="empty welcome">{t.turn.empty}</p>;
  return (
    <div class="empty welcome">
      <p>{t.turn.welcome}</p>
      <p>
        {t.turn.welcomeFirst} <a href="/admin/workers/">{t.turn.connectPanel}</a>
      </p>
    </div>
  );
}

/** Keeps the reader's place when older messages come above it. */
function usePlace(first: string | null): void {
  const before = useRef<string | null>(null);
  const changes = before.current !== null && first !== null && before.current !== first;
  const back = changes ? holdPlace() : null;
  before.current = first;
  useLayoutEffect(() => back?.(), [first]);
}

/** The way on from the oldest message that is here. */
function Older() {
  const mark = useRef<HTMLDivElement>(null);
  const loaded = olderLoaded.value;
  useEffect(() => {
    if (olderLoaded.peek().state === "failed") return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = (near: boolean) => {
      clearTimeout(timer);
      if (!near) return;
      if (drawing()) timer = setTimeout(() => look(true), LOOK_AGAIN);
      else if (olderLoaded.peek().state !== "failed") void loadOlder();
    };
    const observer = new IntersectionObserver((entries) => look(entries.at(-1)!.isIntersecting), { root: mark.current!.closest(".log"), rootMargin: NEAR });
    observer.observe(mark.current!);
    return () => {
      clearTimeout(timer);
      observer.disconnect();
    };
  }, []);
  return (
    <div class="older" ref={mark}>
      {loaded.state === "loading" && <Loading>{t.turn.loadingOlder}</Loading>}
      {loaded.state === "failed" && <Notice actions={<Button onClick={() => loadOlder()}>{t.turn.tryAgain}</Button>}>{loaded.error}</Notice>}
      {loaded.state === "ready" && (
        <Button kind="quiet" onClick={() => loadOlder()}>
          {t.turn.older}
        </Button>
      )}
    </div>
  );
}

/** The way to what stands below what is seen. */
function Below() {
  const growing = useComputed(() => turns.value.some((turn) => unfinished(turn.request.value)));
  if (!textBelow.value || turns.value.length === 0) return null;
  return (
    <div class="below">
      <Button icon="down" onClick={followEnd}>
        {growing.value ? t.turn.newText : t.turn.toEnd}
      </Button>
    </div>
  );
}
