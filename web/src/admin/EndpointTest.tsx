import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { announce } from "../shared/announce";
import { counting, took } from "../shared/time";
import { Button, CopyButton, Notice } from "../shared/ui";
import { useLeft } from "./left";
import { headerLines } from "./parts";
import { useAct } from "./save";
import { ask } from "./session";
import { t } from "./texts";
import type { Try } from "./types";

/** A receiver has 30 s to answer; the server's own answer follows that. In milliseconds. */
const TEST_TIMEOUT = 45_000;

interface Test {
  /** The button that sends it, and what came of it. */
  button: ComponentChildren;
  result: ComponentChildren;
}

/** Sends a sample to an endpoint and shows what came back. `unsaved`: its URL in the form is not the one that is stored. `next`: where it goes on once a sample was accepted. */
export function useTest(path: string | undefined, unsaved: boolean, next?: ComponentChildren): Test {
  const { busy, error, act } = useAct();
  const [began, setBegan] = useState<string | null>(null);
  const [result, setResult] = useState<Try | null>(null);
  const past = -useLeft(busy ? began : null);
  const send = () => {
    setBegan(new Date().toISOString());
    setResult(null);
    return act(async () => {
      const { body } = await ask<Try>(`${path}test/`, { method: "POST", timeout: TEST_TIMEOUT });
      setResult(body);
      announce(outcome(body));
    });
  };
  if (path === undefined) return { button: null, result: null };
  return {
    button: (
      <Button icon="send" disabled={unsaved} onClick={send}>
        {busy ? t.endpoints.testing(counting(past)) : result ? t.endpoints.testAgain : t.endpoints.test}
      </Button>
    ),
    result: (
      <>
        {unsaved && <p class="hint">{t.endpoints.testUnsaved}</p>}
        {error && <Notice>{error}</Notice>}
        {result && <Result result={result} next={next} />}
      </>
    ),
  };
}

/** A 2xx is success; the server says what anything else means. */
function outcome(result: Try): string {
  const time = took(result.duration_ms);
  if (result.error === null && result.status !== null) return t.endpoints.testOk(result.status, time);
  return [t.endpoints.testBad(time), result.error ?? (result.status !== null && t.endpoints.testStatus(result.status))].filter(Boolean).join(" ");
}

function Result({ result, next }: { result: Try; next: ComponentChildren }) {
  const parts: [string, string][] = [
    [t.endpoints.requestHeaders, headerLines(result.request_headers)],
    [t.endpoints.responseHeaders, headerLines(result.response_headers)],
    [t.endpoints.responseBody, result.status === null ? "" : result.response_body || t.endpoints.noBody],
  ];
  const shown = parts.filter(([, text]) => text !== "");
  const all = [outcome(result), ...shown.flatMap(([name, text]) => ["", name, text])].join("\n");
  return (
    <div class="test-parts">
      <Notice
        tone={result.error === null ? "ok" : "bad"}
        actions={
          <>
            <CopyButton text={all} label={t.endpoints.copyTest} />
            {result.error === null && next}
          </>
        }
      >
        {outcome(result)}
      </Notice>
      {shown.map(([name, text]) => (
        <details key={name}>
          <summary>{name}</summary>
          <pre class="long-text" dir="auto" tabIndex={0}>
            {text}
          </pre>
        </details>
      ))}
    </div>
  );
}
