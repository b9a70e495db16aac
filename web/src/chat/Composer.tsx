import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { media } from "../shared/media";
import type { ResponseType, ThinkingTime } from "../shared/types";
import { Button, Notice } from "../shared/ui";
import { draft, drafts } from "./drafts";
import { chooseMode, chooseThinking, mode, MODES, temporary, thinking, THINKING_TIMES } from "./modes";
import { editing, editInNewChat, listened, openId, sendDraft, sendError, sending, viewed } from "./state";
import { StopButton } from "./TurnView";
import { t } from "./texts";

/** On a touch keyboard Enter breaks the line: there is no Shift to hold. */
const touch = media("(pointer: coarse)");

/** Safari ends a composition just before the Enter that ended it; that Enter belongs to it. Milliseconds. */
const AFTER_COMPOSITION = 50;

/** Where a message is written and sent. */
export function Composer() {
  const area = useRef<HTMLTextAreaElement>(null);
  const composedAt = useRef(-Infinity);
  const text = draft.value;
  const busy = sending.value;
  const running = listened.value;
  const error = sendError.value;

  useEffect(() => {
    // On a touch screen focus brings up the keyboard, over half of what was to be read.
    if (!touch.value) area.current?.focus({ preventScroll: true });
  }, [viewed.value]);
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
  const write = (written: string) => {
    drafts.write(written);
    if (written === "") editing.value = false;
  };

  return (
    <form
      class="composer"
      aria-label={t.composer.label}
      onSubmit={(event) => {
        event.preventDefault();
        void sendDraft();
        area.current?.focus();
      }}
    >
      {error && (
        <Notice actions={error.code === "chat_not_found" && <Button onClick={() => editInNewChat(text)}>{t.composer.newChatWithText}</Button>}>
          {error.text} {text !== "" && t.composer.kept}
        </Notice>
      )}
      {editing.value && <p class="composer-note meta">{t.composer.editing}</p>}
      {openId.value === null && temporary.value && <p class="composer-note meta">{t.composer.temporaryHint}</p>}
      <div class="composer-box">
        <textarea
          id="composer"
          ref={area}
          rows={1}
          dir="auto"
          aria-label={t.composer.field}
          placeholder={t.composer.field}
          value={text}
          readOnly={busy}
          onInput={(event) => write(event.currentTarget.value)}
          onKeyDown={onKeyDown}
          onCompositionEnd={(event) => (composedAt.current = event.timeStamp)}
        />
        <div class="composer-row">
          <select aria-label={t.composer.mode} value={mode.value} onChange={(event) => chooseMode(event.currentTarget.value as ResponseType)}>
            {MODES.map((name) => (
              <option key={name} value={name}>
                {t.composer.modes[name]}
              </option>
            ))}
          </select>
          {mode.value === "thinking" && (
            <select aria-label={t.composer.thinking} value={thinking.value} onChange={(event) => chooseThinking(event.currentTarget.value as ThinkingTime)}>
              {THINKING_TIMES.map((name) => (
                <option key={name} value={name}>
                  {t.composer.thinkingTimes[name]}
                </option>
              ))}
            </select>
          )}
          {openId.value === null && (
            <label class="check">
              <input type="checkbox" checked={temporary.value} onChange={(event) => (temporary.value = event.currentTarget.checked)} />
              {t.composer.temporary}
            </label>
          )}
          <span class="grow" />
          {running && <StopButton key={running.id} turn={running} />}
          <Button type="submit" kind="main" icon="send" disabled={busy || text.trim() === ""}>
            {busy ? t.composer.sending : t.composer.send}
          </Button>
        </div>
      </div>
    </form>
  );
}
