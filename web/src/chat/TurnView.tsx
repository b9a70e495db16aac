import { useEffect, useRef, useState } from "preact/hooks";
import { sentence } from "../shared/api";
import { clock, counting, exact, now, tick, took } from "../shared/time";
import type { ChatRequest } from "../shared/types";
import { Button, CopyButton, Notice } from "../shared/ui";
import { phaseWords, remedy, waitingWords } from "../shared/words";
import { pieces } from "./pieces";
import { cancel, edit, editInNewChat, listened, sendAgain } from "./state";
import { type Turn, unfinished } from "./turn";

/** One message and its answer. */
export function TurnView({ turn }: { turn: Turn }) {
  const body = useRef<HTMLDivElement>(null);
  const request = turn.request.value;
  return (
    <>
      <article class="question" id={turn.id} aria-label="You">
        <div class="text">{request.message}</div>
      </article>
      <article class="answer" aria-label="Answer" aria-busy={unfinished(request)}>
        <div class="text" ref={body}>
          <AnswerText turn={turn} />
        </div>
        {unfinished(request) && <Progress turn={turn} />}
        {request.status === "failed" && <Failure request={request} partial={turn.text.value !== ""} />}
        <footer class="turn-foot meta">
          {!unfinished(request) && turn.text.value !== "" && <CopyButton kind="quiet" text={turn.text.value} shown={() => body.current} label="Copy answer" />}
          {request.mode_used && <span>{request.mode_used}</span>}
          {request.completed_at && (
            <time dateTime={request.completed_at} title={exact(request.completed_at)}>
              {clock(request.completed_at)}
            </time>
          )}
          {request.completed_at && request.started_at && <span>{took(Date.parse(request.completed_at) - Date.parse(request.started_at))}</span>}
          {turn.corrected.value && <span>corrected</span>}
        </footer>
      </article>
    </>
  );
}

/** The text, drawn anew with each piece that comes. Text nodes only: nothing of an answer is ever read as markup. */
function AnswerText({ turn }: { turn: Turn }) {
  if (turn.text.value === "") return null;
  return (
    <>
      {pieces(turn.text.value).map((piece, index) => (
        <div key={index}>{piece}</div>
      ))}
    </>
  );
}

/** What an unfinished request does now, or waits for. */
function Progress({ turn }: { turn: Turn }) {
  useEffect(tick, []);
  const request = turn.request.value;
  const first = listened.value === turn;
  return (
    <div class="progress">
      <p>{words(turn, request, first, now.value)}</p>
      {request.status === "idle" && request.waiting?.reason === "no_worker" && (
        <details>
          <summary>How to connect</summary>
          <p>In the browser that is logged in to the chat site, open the options of the chatbridge extension and enter {location.origin} and an API key of this account. This message is then sent by itself.</p>
        </details>
      )}
      <Connection turn={turn} />
      {!first && <StopButton turn={turn} />}
    </div>
  );
}

function words(turn: Turn, request: ChatRequest, first: boolean, at: number): string {
  if (request.status === "idle") return waitingWords(first ? request.waiting : { reason: "chat_busy", until: null }, at - Date.parse(request.queued_at), at);
  return `${phaseWords(request.phase, turn.away.value)}, ${counting(at - Date.parse(request.started_at ?? request.queued_at))}`;
}

/** Shows only while the page does not hear of the answer. */
function Connection({ turn }: { turn: Turn }) {
  const link = turn.link.value;
  if (link.state !== "retrying") return null;
  if (!navigator.onLine) return <Notice tone="warn">Offline. The answer goes on at the server.</Notice>;
  return (
    <Notice tone="warn" actions={<Button onClick={link.now}>Now</Button>}>
      The connection broke; the answer goes on at the server. Reconnecting in {Math.max(0, Math.ceil((link.at - now.value) / 1000))} s
    </Notice>
  );
}

/** Ends a request. */
export function StopButton({ turn }: { turn: Turn }) {
  const [stopping, setStopping] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const stop = async () => {
    setStopping(true);
    setError(null);
    try {
      await cancel(turn);
    } catch (failure) {
      setError(sentence(failure));
    } finally {
      setStopping(false);
    }
  };
  return (
    <>
      <Button icon="stop" disabled={stopping} onClick={stop}>
        {stopping ? "Stopping" : "Stop"}
      </Button>
      {error && <p class="error">{error}</p>}
    </>
  );
}

const DEFAULT_WORDS: Partial<Record<string, string>> = { cancelled: "Stopped." };

/** Why a request failed and what can be done; the text that had come stays above it. */
function Failure({ request, partial }: { request: ChatRequest; partial: boolean }) {
  return (
    <Notice tone={request.error_code === "cancelled" ? "plain" : "bad"} actions={<RemedyButton request={request} />}>
      {request.error_message ?? DEFAULT_WORDS[request.error_code ?? ""] ?? "The request failed."}
      {partial && <span class="meta"> The text above is what had arrived.</span>}
    </Notice>
  );
}

function RemedyButton({ request }: { request: ChatRequest }) {
  switch (remedy(request)) {
    case "edit":
      return (
        <Button
          icon="edit"
          onClick={() => {
            edit(request.message);
            document.getElementById("composer")?.focus();
          }}
        >
          Edit
        </Button>
      );
    case "auto":
      return <Button onClick={() => sendAgain(request, "auto")}>Use auto</Button>;
    case "new_chat":
      return <Button onClick={() => editInNewChat(request.message)}>New chat with this text</Button>;
    case "copy_id":
      return <CopyButton text={request.id}>Copy request id</CopyButton>;
    case "again":
      return <AgainButton request={request} />;
  }
}

/** Sends the message again, where the site set a limit only after it. */
function AgainButton({ request }: { request: ChatRequest }) {
  const at = request.retry_after !== null && request.completed_at !== null ? Date.parse(request.completed_at) + request.retry_after * 1000 : 0;
  const left = at - now.value;
  const counts = left > 0;
  useEffect(() => (counts ? tick() : undefined), [counts]);
  return (
    <Button icon="again" disabled={counts} onClick={() => sendAgain(request)}>
      {counts ? `Send again in ${counting(left)}` : "Send again"}
    </Button>
  );
}
