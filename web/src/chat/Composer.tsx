import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { media } from "../shared/media";
import type { ResponseType, ThinkingTime } from "../shared/types";
import { Button, Notice } from "../shared/ui";
import { chooseMode, chooseThinking, draft, mode, thinking, writeDraft } from "./drafts";
import { listened, openId, sendDraft, sendError, sending } from "./state";
import { StopButton } from "./TurnView";

/** On a touch keyboard Enter breaks the line: there is no Shift to hold. */
const touch = media("(pointer: coarse)");

/** Safari ends a composition just before the Enter that ended it; that Enter belongs to it. Milliseconds. */
const AFTER_COMPOSITION = 50;

/** Where a message is written and sent. */
export function Composer() {
  const area = useRef<HTMLTextAreaElement>(null);
  const composedAt = useRef(0);
  const text = draft.value;
  const busy = sending.value;
  const running = listened.value;

  useEffect(() => {
    // On a touch screen focus brings up the keyboard, over half of what was to be read.
    if (!touch.value) area.current?.focus({ preventScroll: true });
  }, [openId.value]);
  useLayoutEffect(() => {
    // The field grows with its text, up to the height that the style sheet allows.
    if (CSS.supports("field-sizing", "content") || !area.current) return;
    area.current.style.height = "auto";
    area.current.style.height = `${area.current.scrollHeight}px`;
  }, [text]);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || event.shiftKey || event.ctrlKey || event.metaKey || event.altKey || touch.value) return;
    if (event.isComposing || event.keyCode === 229 || event.timeStamp - composedAt.current < AFTER_COMPOSITION) return;
    event.preventDefault();
    void sendDraft();
  };

  return (
    <form
      class="composer"
      aria-label="New message"
      onSubmit={(event) => {
        event.preventDefault();
        void sendDraft();
        area.current?.focus();
      }}
    >
      {sendError.value && <Notice>{sendError.value} Your text is still here.</Notice>}
      <div class="composer-box">
        <textarea
          id="composer"
          ref={area}
          rows={1}
          aria-label="Message"
          placeholder="Message"
          value={text}
          readOnly={busy}
          onInput={(event) => writeDraft(openId.value, event.currentTarget.value)}
          onKeyDown={onKeyDown}
          onCompositionEnd={(event) => (composedAt.current = event.timeStamp)}
        />
        <div class="composer-row">
          <select aria-label="Mode" value={mode.value} onChange={(event) => chooseMode(event.currentTarget.value as ResponseType)}>
            <option value="auto">Auto</option>
            <option value="instant">Instant</option>
            <option value="thinking">Thinking</option>
          </select>
          {mode.value === "thinking" && (
            <select aria-label="Thinking time" value={thinking.value} onChange={(event) => chooseThinking(event.currentTarget.value as ThinkingTime)}>
              <option value="standard">Standard</option>
              <option value="extended">Extended</option>
            </select>
          )}
          <span class="grow" />
          {running && <StopButton key={running.id} turn={running} />}
          <Button type="submit" kind="main" icon="send" disabled={busy || text.trim() === ""}>
            {busy ? "Sending" : "Send"}
          </Button>
        </div>
      </div>
    </form>
  );
}
