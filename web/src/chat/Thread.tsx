import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { Button, Loading, Notice } from "../shared/ui";
import { attach, followEnd, jumpTo, textBelow } from "./scroll";
import { loadTurns, openId, turns, turnsLoaded } from "./state";
import { TurnView } from "./TurnView";
import { unfinished } from "./turn";

/** The messages of the open chat. */
export function Thread() {
  const element = useRef<HTMLDivElement>(null);
  const loaded = turnsLoaded.value;
  const shown = turns.value;
  useEffect(() => attach(element.current!), []);
  const opened = useRef(shown.length > 0);
  useLayoutEffect(() => {
    if (opened.current || shown.length === 0) return;
    opened.current = true;
    jumpTo(location.hash.slice(1));
  }, [shown.length > 0]);
  const growing = shown.some((turn) => unfinished(turn.request.value));
  return (
    <div class="log-frame">
      <div class="log" ref={element} role="log" aria-live="off" aria-label="Messages" tabIndex={0}>
        <div class="column">
          {loaded.state === "loading" && shown.length === 0 && <Loading>Loading messages</Loading>}
          {loaded.state === "failed" && <Notice actions={<Button onClick={() => loadTurns()}>Try again</Button>}>{loaded.error}</Notice>}
          {loaded.state === "ready" && shown.length === 0 && <p class="empty welcome">{openId.value === null ? "Write a message. The browser that is connected to this server brings the answer." : "No messages in this chat."}</p>}
          {shown.map((turn) => (
            <TurnView key={turn.id} turn={turn} />
          ))}
        </div>
      </div>
      {textBelow.value && shown.length > 0 && (
        <div class="below">
          <Button icon="down" onClick={followEnd}>
            {growing ? "New text" : "To the end"}
          </Button>
        </div>
      )}
    </div>
  );
}
