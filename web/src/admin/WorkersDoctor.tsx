import { useState } from "preact/hooks";
import { announce } from "../shared/announce";
import { Icon } from "../shared/icons";
import { counting } from "../shared/time";
import { Button, CopyButton, Notice } from "../shared/ui";
import { useLeft } from "./left";
import { useAct } from "./save";
import { ask } from "./session";
import { t } from "./texts";
import type { Hook, Worker } from "./types";
import { reportText, verdict, wantedWords } from "./workers";

/** How long the server waits for the worker's answer, in milliseconds. */
const WITHIN = 20_000;

/** Has a worker say what of its page it finds. */
export function WorkersDoctor({ worker }: { worker: Worker }) {
  const { busy, error, act } = useAct();
  const [began, setBegan] = useState<string | null>(null);
  const [hooks, setHooks] = useState<Hook[] | null>(null);
  const past = Math.min(WITHIN, Math.max(0, -useLeft(busy ? began : null)));
  const run = () => {
    setBegan(new Date().toISOString());
    setHooks(null);
    return act(async () => {
      const { body } = await ask<{ hooks: Hook[] }>(`/api/admin/accounts/${encodeURIComponent(worker.account.id)}/workers/${encodeURIComponent(worker.worker_id)}/doctor/`, { method: "POST" });
      setHooks(body.hooks);
      announce(verdict(body.hooks).words);
    });
  };
  return (
    <section>
      <h3>{t.workers.doctor}</h3>
      <p class="hint">{t.workers.doctorHint}</p>
      {worker.connected && worker.dialect === "chatbridge.v1" ? (
        <div class="actions">
          <Button onClick={run}>
            {hooks || error ? t.workers.doctorAgain : t.workers.doctorRun}
          </Button>
          {busy && (
            <>
              <progress max={WITHIN} value={past} aria-label={t.workers.doctorProgress} />
              <span class="meta">{t.workers.doctorAsking(counting(past), counting(WITHIN))}</span>
            </>
          )}
        </div>
      ) : (
        <p>{t.workers.doctorNotHere}</p>
      )}
      {error && <Notice>{error}</Notice>}
      {hooks && <Report worker={worker} hooks={hooks} />}
    </section>
  );
}

function Report({ worker, hooks }: { worker: Worker; hooks: Hook[] }) {
  const { tone, words } = verdict(hooks);
  return (
    <>
      <Notice tone={tone} actions={<CopyButton text={reportText(worker, hooks)} label={t.workers.doctorCopy}>{t.workers.copyAsText}</CopyButton>}>
        {words}
      </Notice>
      {hooks.length > 0 && (
        <table class="rows hooks">
          <thead>
            <tr>
              <th>{t.workers.hook}</th>
              <th>{t.workers.found}</th>
              <th>{t.workers.wanted}</th>
            </tr>
          </thead>
          <tbody>
            {hooks.map((hook) => (
              <tr key={hook.name}>
                <td>
                  <code>{hook.name}</code>
                </td>
                <td>
                  <span class={"mark " + (hook.found ? "ok" : "warn")}>
                    <Icon name={hook.found ? "check" : "close"} />
                    {hook.found ? hook.alternative || t.workers.yes : t.workers.no}
                  </span>
                </td>
                <td>{wantedWords(hook)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}
