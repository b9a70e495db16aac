import { effect, useComputed } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { AnswerView } from "../markdown/view";
import { sentence } from "../shared/api";
import { online } from "../shared/online";
import { clock, counting, exact, now, tick, took, zoneName } from "../shared/time";
import type { ChatRequest } from "../shared/types";
import { Button, CopyButton, Notice } from "../shared/ui";
import { phaseWords, waitingWords } from "../shared/words";
import { RemedyButton } from "./Remedy";
import { shortened } from "./shortened";
import { cancel, edit, listened } from "./state";
import { t } from "./texts";
import { type Turn, unfinished } from "./turn";

/** One message and its answer. */
export function TurnView({ turn }: { turn: Turn }) {
  const request = turn.request.value;
  const running = unfinished(request);
  const text = useComputed(() => turn.text.value !== "");
  return (
    <>
      <Question request={request} />
      <article class="answer" aria-label={t.turn.answer} aria-busy={running}>
        <AnswerText turn={turn} />
        {running && <Progress turn={turn} />}
        {request.status === "failed" && <Failure request={request} partial={text.value} />}
        {!running && <Foot turn={turn} request={request} />}
      </article>
    </>
  );
}

/** The message, exactly as it was sent. */
function Question({ request: { id, message } }: { request: ChatRequest }) {
  const [all, setAll] = useState(false);
  if (message === null)
    return (
      <article class="question" id={id} aria-label={t.turn.you}>
        <p class="meta">{t.turn.textsGone}</p>
      </article>
    );
  const short = shortened(message);
  return (
    <article class="question" id={id} aria-label={t.turn.you}>
      <div class="text" dir="auto">
        {all || short === null ? message : short + "…"}
      </div>
      <div class="question-foot">
        {short !== null && (
          <button type="button" class="button quiet" aria-expanded={all} onClick={() => setAll(!all)}>
            {all ? t.turn.showLess : t.turn.showAll}
          </button>
        )}
        <Button kind="quiet" icon="edit" label={t.turn.editLabel} onClick={() => edit(message)}>
          {t.turn.edit}
        </Button>
      </div>
    </article>
  );
}

/** The answer as Markdown. It is drawn past Preact: only what changes is touched, with rests between. */
function AnswerText({ turn }: { turn: Turn }) {
  const element = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const view = new AnswerView(element.current!);
    const stop = effect(() => view.show(turn.text.value, !unfinished(turn.request.value)));
    return () => {
      stop();
      view.stop();
    };
  }, [turn]);
  return <div class="markdown" ref={element} />;
}

/** What is known of an answer, in small print. */
function Foot({ turn, request }: { turn: Turn; request: ChatRequest }) {
  const { mode_used: mode, completed_at: end, started_at: start, evidence } = request;
  const text = turn.text.value;
  return (
    <footer class="turn-foot meta">
      {text !== "" && <CopyButton kind="quiet" text={text} shown={() => document.getElementById(turn.id)?.nextElementSibling?.querySelector<HTMLElement>(".markdown") ?? null} label={t.turn.copyAnswer} />}
      {mode && <span title={t.turn.modeUsed}>{mode}</span>}
      {end && (
        <time dateTime={end} title={`${exact(end)} ${zoneName()}`}>
          {clock(end)}
        </time>
      )}
      {end && start && <span>{took(Date.parse(end) - Date.parse(start))}</span>}
      {turn.corrected.value && <span title={t.turn.correctedHint}>{t.turn.corrected}</span>}
      {evidence && <span>{`${t.turn.sources[evidence.source] ?? evidence.source}, ${evidence.complete ? t.turn.complete : t.turn.notComplete}`}</span>}
    </footer>
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
      {request.status === "idle" && first && request.waiting?.reason === "no_worker" && (
        <details>
          <summary>{t.turn.connect}</summary>
          <p>{t.turn.connectHow(location.origin)}</p>
          <p>
            <a href="/admin/workers/">{t.turn.connectPanel}</a>
          </p>
        </details>
      )}
      <Connection turn={turn} />
      {!first && <StopButton turn={turn} />}
    </div>
  );
}

function words(turn: Turn, request: ChatRequest, first: boolean, at: number): string {
  if (request.status === "idle") return waitingWords(first ? request.waiting : { reason: "chat_busy", until: null }, at - Date.parse(request.queued_at), at);
  return t.turn.doing(phaseWords(request.phase, turn.away.value), counting(at - Date.parse(request.started_at ?? request.queued_at)));
}

/** Shows only while the page does not hear of the answer. */
function Connection({ turn }: { turn: Turn }) {
  const link = turn.link.value;
  if (listened.value === turn && !online.value) return <Notice tone="warn">{t.turn.offline}</Notice>;
  if (link.state !== "retrying") return null;
  return (
    <Notice tone="warn" actions={<Button onClick={link.now}>{t.turn.now}</Button>}>
      {t.turn.broke(Math.max(0, Math.ceil((link.at - now.value) / 1000)))}
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
        {stopping ? t.turn.stopping : t.turn.stop}
      </Button>
      {error && <p class="error">{error}</p>}
    </>
  );
}

/** Why a request failed and what can be done; the text that had come stays above it. */
function Failure({ request, partial }: { request: ChatRequest; partial: boolean }) {
  const cancelled = request.error_code === "cancelled";
  return (
    <Notice tone={cancelled ? "plain" : "bad"} actions={<RemedyButton request={request} />}>
      <span dir="auto">{request.error_message ?? (cancelled ? t.turn.stopped : t.turn.failed)}</span>
      {partial && <span class="meta"> {t.turn.arrived}</span>}
    </Notice>
  );
}
