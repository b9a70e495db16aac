import { useEffect, useRef, useState } from "preact/hooks";
import { announce } from "../../shared/announce";
import { Icon } from "../../shared/icons";
import { Button } from "../../shared/ui";
import { usePoll } from "../load";
import { useAct } from "../save";
import { ask } from "../session";
import { t } from "../texts";
import type { Replay } from "../types";

/** How often it is looked how far replays are, in milliseconds: while one runs, and otherwise whether somebody else began one. */
const LOOK_EVERY = 1_000;
const LOOK_FOR_OTHERS_EVERY = 10_000;

/** The replays of many that run, and those that ended while this was looked at. `began` is the last one that was begun here. */
export function Replays({ began }: { began: number | null }) {
  const [shown, setShown] = useState<Replay[]>([]);
  const latest = useRef(shown);
  latest.current = shown;
  const told = useRef<number | null>(null);
  const read = async () => {
    try {
      const { body: running } = await ask<Replay[]>("/api/admin/replays/?running=true");
      const over = latest.current.filter(({ id, status }) => status === "running" && !running.some((one) => one.id === id)).map(({ id }) => id);
      // A short one may begin and end between two looks.
      if (began !== null && told.current !== began && !running.some(({ id }) => id === began)) over.push(began);
      told.current = began;
      const results = await Promise.all([...new Set(over)].map(async (id) => (await ask<Replay>(`/api/admin/replays/${id}/`)).body));
      for (const result of results) if (result.status !== "running") announce(outcome(result));
      const now = [...running, ...results];
      const kept = latest.current.filter((one) => !now.some(({ id }) => id === one.id));
      setShown([...now, ...kept].sort((a, b) => b.id - a.id));
    } catch {
      // The frame says that the server is away; the next look follows.
    }
  };
  useEffect(() => void read(), [began]);
  usePoll(read, true, shown.some(({ status }) => status === "running") ? LOOK_EVERY : LOOK_FOR_OTHERS_EVERY);
  if (shown.length === 0) return null;
  return (
    <div class="replays">
      {shown.map((replay) => (
        <OneReplay key={replay.id} replay={replay} change={(now) => setShown(latest.current.map((one) => (one.id === now.id ? now : one)))} putAway={() => setShown(latest.current.filter(({ id }) => id !== replay.id))} />
      ))}
    </div>
  );
}

function outcome(replay: Replay): string {
  const ended = replay.status === "stopped" ? t.deliveries.stopped(replay.replayed, replay.matching) : t.deliveries.finished(replay.replayed);
  return replay.skipped > 0 ? `${ended} ${t.deliveries.skipped(replay.skipped)}` : ended;
}

function OneReplay({ replay, change, putAway }: { replay: Replay; change: (replay: Replay) => void; putAway: () => void }) {
  const { busy, error, act } = useAct();
  const running = replay.status === "running";
  const done = replay.replayed + replay.skipped;
  const stop = () =>
    act(async () => {
      const { body } = await ask<Replay>(`/api/admin/replays/${replay.id}/stop/`, { method: "POST" });
      change(body);
      announce(outcome(body));
    });
  return (
    <div class={"notice " + (running ? "plain" : replay.skipped > 0 || replay.status === "stopped" ? "warn" : "ok")}>
      <Icon name={running ? "again" : replay.status === "stopped" ? "stop" : replay.skipped > 0 ? "warning" : "done"} />
      <div class="notice-text">
        {running ? t.deliveries.running(done, replay.matching) : outcome(replay)}
        {running && <progress value={done} max={Math.max(1, replay.matching)} aria-label={t.deliveries.running(done, replay.matching)} />}
        {running && replay.skipped > 0 && <p class="meta">{t.deliveries.skipped(replay.skipped)}</p>}
        {error && <p class="error">{error}</p>}
      </div>
      <div class="actions">
        {running ? (
          <Button icon="stop" disabled={busy} onClick={stop}>
            {t.deliveries.stop}
          </Button>
        ) : (
          <Button kind="quiet" icon="close" onClick={putAway}>
            {t.deliveries.putAway}
          </Button>
        )}
      </div>
    </div>
  );
}
